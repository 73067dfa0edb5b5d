import { drizzle as overNodePostgres } from "drizzle-orm/node-postgres";
import { drizzle } from "drizzle-orm/postgres-js";
import { Pool } from "pg";
import postgres from "postgres";
import * as v from "valibot";
import manifest from "../../package.json" with { type: "json" };
import { createWorker, defineJob, enqueue, enqueueMany, migrate } from "../../dist/src/index.js";
import type { Payload, System } from "./system.ts";

export const noop = defineJob({
  name: "noop",
  payload: v.object({ n: v.number(), text: v.optional(v.string()), at: v.optional(v.number()) }),
  result: v.object({ ok: v.boolean() }),
});

export const soniqDrizzle: System = {
  name: "soniq-drizzle",
  version: manifest.version,
  guarantees: { fence: true, result: true, history: true, perJobOutcome: true, validated: true },
  settings: {
    batched: "as it is by default, concurrency 100",
    deleted: "retention: { completed: 0 }, concurrency 100",
    unbatched: "batchSize: 1, concurrency 100",
    prompt: "as it is by default",
  },
  processes: (mode) => (mode === "batched" ? 1 : 2),
  async install(url) {
    const client = postgres(url, { max: 1, onnotice() {} });
    await migrate(drizzle({ client }));
    await client.end();
  },
  unsettled: "select exists (select from soniq_jobs where state = 'active')",
  async openProducer(url, connections) {
    // The driver of the peers: it needs one round trip for a statement, postgres.js two.
    const client = new Pool({ connectionString: url, max: connections });
    const db = overNodePostgres({ client });
    return {
      async add(payload) {
        await enqueue(db, noop, payload);
      },
      async addMany(payloads) {
        await enqueueMany(db, noop, payloads);
      },
      close: () => client.end(),
    };
  },
  async startWorker(url, mode, onJob) {
    const worker = createWorker(
      {
        connection: url,
        jobs: { noop },
        handlers: {
          noop: async (payload: Payload) => {
            onJob(payload);
            return { ok: true };
          },
        },
        queues: { [mode === "resting" ? "nothing" : "default"]: { concurrency: mode === "prompt" ? 10 : 100 } },
        ...(mode === "unbatched" && { batchSize: 1 }),
        ...(mode === "deleted" && { retention: { completed: 0 } }),
      },
      {
        onEvent(event) {
          if (event.type === "error")
            console.error(event.operation, String((event.error as Error).cause ?? event.error));
        },
      },
    );
    await worker.start();
    return { stop: () => worker.stop() };
  },
};
