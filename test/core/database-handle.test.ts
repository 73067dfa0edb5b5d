// What is looked for where a database handle comes in.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as v from "valibot";
import { expect, test } from "vitest";
import type { Queryable } from "../../src/core/queryable.ts";
import { defineJob, enqueue } from "../../src/index.ts";
import { listQueues } from "../../src/admin.ts";
import { testDatabase } from "../support/database.ts";

const { db, url } = await testDatabase();
const job = defineJob({ name: "known", payload: v.object({ secret: v.string() }) });

test("a handle of another major of drizzle-orm is refused with a sentence that says what to do", async () => {
  // The dialect of 1.0 has no `casing`.
  const other = Object.create(db, { dialect: { value: {} } }) as Queryable;
  const said =
    "this database was opened with drizzle-orm 1.0, but soniq-drizzle found drizzle-orm 0.45: use one version in the whole workspace";
  await expect(enqueue(other, job, { secret: "s" })).rejects.toThrow(said);
  await expect(listQueues(other)).rejects.toThrow(said);
});

test("what the driver says is thrown with its code, and without the statement and its parameters", async () => {
  const away = new URL(url);
  away.port = "1";
  const client = postgres(away.href, { max: 1, connect_timeout: 1 });
  const error: unknown = await enqueue(drizzle({ client }), job, { secret: "not to be seen" }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
  expect(((error as Error).cause as { code?: string }).code).toBe("ECONNREFUSED");
  expect((error as Error).message).not.toContain("not to be seen");
  expect((error as Error).message).toMatch(/^connect ECONNREFUSED/);
  await client.end({ timeout: 1 });
});
