// Jobs for the tests of the test kit.
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import * as v from "valibot";
import { soniqJobs } from "../../schema/index.ts";
import {
  defineJob,
  enqueue,
  defineHandler,
  type JobContext,
  type SettledEvent,
  type TransactionOf,
} from "../../src/index.ts";
import { effects } from "./effects.ts";

export type Database = PostgresJsDatabase<{ effects: typeof effects }>;
export type Tx = TransactionOf<Database>;

export const write = defineJob({ name: "write", payload: v.number(), result: v.string(), maxAttempts: 3 });
export const follow = defineJob({
  name: "follow",
  queue: "other",
  payload: v.strictObject({ n: v.number(), note: v.optional(v.string()) }),
});
export const idle = defineJob({ name: "idle", payload: v.null() });
export const jobs = { write, follow, idle };

/** Writes in the transaction of its job, and has another job follow. */
export const handlers = {
  write: defineHandler(write, (n, job: JobContext<Tx>) =>
    job.transaction(async (tx) => {
      await tx.insert(effects).values({ n });
      await enqueue(tx, follow, { n });
      return `wrote ${n}`;
    }),
  ),
  follow: defineHandler(follow, () => {}),
  idle: defineHandler(idle, () => {}),
};

export const said = (ended: readonly SettledEvent[]) => ended.map(({ job, type }) => `${job.name} ${type}`);
export const jobsIn = (tx: Tx) => tx.select().from(soniqJobs).orderBy(soniqJobs.id);
