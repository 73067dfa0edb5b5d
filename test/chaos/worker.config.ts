// What the worker processes of a chaos run are configured by: `soniq-drizzle work --config` this file.
import { setTimeout as sleep } from "node:timers/promises";
import { count, eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { drizzle as drizzlePostgresJs } from "drizzle-orm/postgres-js";
import { defineConfig, type JobContext, postgresJs } from "soniq-drizzle";
import { effects } from "./jobs.ts";
import * as jobs from "./jobs.ts";
import { openPool } from "./pool.ts";

const setting = (name: string) => process.env[name] as string;

/** The handlers' own way to PostgreSQL, which only its restarts disturb: what they do is never lost on the way. */
const pool = openPool(setting("CHAOS_DATABASE_URL"), 4, "chaos-handlers");
const db = drizzle({ client: pool });

/** An effect of this run, as a row: read back by the checks. */
const effect = (id: number, kind: "begun" | "done" | "snoozed") => ({
  job: id,
  kind,
  claims: sql`(select claims from soniq_jobs where id = ${id})`,
  transaction: sql`pg_current_xact_id()::text`,
});

/** Does it however long PostgreSQL is away: a handler of the load fails only where it is planned to. */
async function untilDone<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch {
      await sleep(100);
    }
  }
}

const note = ({ id }: JobContext, kind: "done" | "snoozed") =>
  untilDone(() => db.insert(effects).values(effect(id, kind)));

export default defineConfig({
  connection: setting("CHAOS_PROXY_URL"),
  database: postgresJs((client) => drizzlePostgresJs({ client })),
  jobs,
  handlers: {
    async plain({ ms, deaf }, job) {
      await sleep(ms, undefined, deaf ? {} : { signal: job.signal });
      await note(job, "done");
    },
    async large({ ms, bytes }, job) {
      await sleep(ms, undefined, { signal: job.signal });
      await note(job, "done");
      return "a large result ".repeat(bytes / 15);
    },
    async transactional({ ms }, job) {
      return job.transaction(async (tx) => {
        await tx.insert(effects).values(effect(job.id, "begun"));
        await sleep(ms, undefined, { signal: job.signal });
        await tx.insert(effects).values(effect(job.id, "done"));
      });
    },
    async snoozing({ ms, times }, job) {
      await sleep(ms);
      const [snoozes] = await untilDone(() =>
        db.select({ count: count() }).from(effects).where(eq(effects.job, job.id)),
      );
      if (snoozes && snoozes.count >= times) return void (await note(job, "done"));
      await note(job, "snoozed");
      return job.snooze(200);
    },
    async failing({ ms, times }, job) {
      await sleep(ms);
      if (job.attempt <= times) throw new Error(`fails attempt ${job.attempt}, as planned`);
      await note(job, "done");
    },
  },
  queues: { default: { concurrency: 4 } },
  batchSize: Number(setting("CHAOS_BATCH_SIZE")),
  lease: Number(setting("CHAOS_LEASE_MS")),
  rescueInterval: Number(setting("CHAOS_SWEEP_MS")),
  pollInterval: Number(setting("CHAOS_POLL_MS")),
  shutdownTimeout: "2s",
  // No job of the load kills its worker: chaos alone must make none dead.
  maxCrashes: 1_000,
});
