// Promise 4.
import { sql as text } from "drizzle-orm";
import { integer, pgTable } from "drizzle-orm/pg-core";
import { expect, test } from "vitest";
import * as v from "valibot";
import { drizzle } from "drizzle-orm/postgres-js";
import { defineConfig, defineJob, enqueue, postgresJs } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
await sql`create table effects (n int)`;
const effects = pgTable("effects", { n: integer("n") });

test("what a handler writes is there once the job is completed", async () => {
  const job = defineJob({ name: "write", queue: "write", payload: v.number(), result: v.string() });
  const worker = await startWorker(
    defineConfig({
      connection: url,
      database: postgresJs((client) => drizzle({ client, schema: { effects } })),
      jobs: { job },
      handlers: {
        job: (n, context) =>
          context.transaction(async (tx) => {
            await tx.insert(effects).values({ n });
            await tx.query.effects.findFirst();
            await tx.execute(text`select 1`);
            return "done";
          }),
      },
    }),
  );
  const { id } = await enqueue(db, job, 1);
  await worker.settled(id, "completed");
  expect(await jobRow(db, id)).toMatchObject({ state: "completed", result: "done" });
  expect([...(await sql`select n from effects`)]).toEqual([{ n: 1 }]);
});
