// The worker process of the failover. Each start of a handler is a line of its output: what ran where can be read from that.
import { setTimeout as sleep } from "node:timers/promises";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/postgres-js";
import * as v from "valibot";
import { defineConfig, defineJob, postgresJs } from "../../../src/index.ts";

/** What was done for an order, and by which job: written in the job's transaction. */
export const effects = pgTable("failover_effects", { n: integer("n"), job: integer("job") });
export const orders = pgTable("failover_orders", {
  n: integer("n").primaryKey(),
  job: integer("job"),
  kind: text("kind"),
});

const payload = v.object({ n: v.number(), ms: v.number() });
export const booked = defineJob({ name: "booked", payload });
export const noted = defineJob({ name: "noted", payload, result: v.number() });

const began = (name: string, n: number) => console.log(`began ${name} ${n} ${Date.now()}`);

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  database: postgresJs((client) => drizzle({ client })),
  jobs: { booked, noted },
  handlers: {
    async booked({ n, ms }, job) {
      began("booked", n);
      await sleep(ms, undefined, { signal: job.signal });
      return job.transaction(async (tx) => {
        await tx.insert(effects).values({ n, job: job.id });
      });
    },
    async noted({ n, ms }, job) {
      began("noted", n);
      await sleep(ms, undefined, { signal: job.signal });
      return n;
    },
  },
  queues: { default: { concurrency: 400 } },
  maxConnections: 20,
  lease: "20s",
  rescueInterval: "2s",
});
