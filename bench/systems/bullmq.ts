import { createPostgresBackend, runMigrations, withBackend, type PgPool, type WorkerOptions } from "bullmq";
import { Client, Pool } from "pg";
import { installedVersion } from "./installed-version.ts";
import type { Mode, Payload, System } from "./system.ts";

const { Queue, Worker } = withBackend(createPostgresBackend);
const queueName = "bench";

const concurrency = 16;
/** Eight for statements, which was as fast as one per job, and one for the listener. */
const connections = 9;

/** It always claims and settles one job at a time: the statement that settles a job claims the next one. */
const keepsThem: Pick<WorkerOptions, "concurrency" | "removeOnComplete"> = { concurrency };
const workerSettings: Readonly<Partial<Record<Mode, Pick<WorkerOptions, "concurrency" | "removeOnComplete">>>> = {
  batched: keepsThem,
  deleted: { concurrency, removeOnComplete: { count: 0 } },
  unbatched: keepsThem,
  prompt: keepsThem,
};

/** Its documentation requires a pool in ES modules, where it cannot load pg itself; the path is the one of its functions. */
function openPool(url: string, max: number): PgPool {
  const pool = new Pool({ connectionString: url, max, keepAlive: true, options: "-c search_path=bullmq" });
  // The types of pg's listeners differ from BullMQ's types for pg.
  return pool as unknown as PgPool;
}

export const bullmq: System = {
  name: "BullMQ on PostgreSQL",
  version: installedVersion("bullmq"),
  guarantees: { fence: true, result: true, history: true, perJobOutcome: true, validated: false },
  settings: {
    batched: `concurrency ${concurrency}, a pool of ${connections}; it has no batches`,
    deleted: `the same, and removeOnComplete { count: 0 }`,
    unbatched: "the same as batched",
    prompt: "the same as batched; notified by LISTEN/NOTIFY, as always",
  },
  processes: () => 2,

  async install(url) {
    const client = new Client(url);
    await client.connect();
    await runMigrations(client);
    await client.end();
  },

  async openProducer(url, max) {
    const pool = openPool(url, max);
    const queue = new Queue<Payload>(queueName, { connection: pool });
    await queue.waitUntilReady();
    return {
      async add(payload) {
        await queue.add("job", payload);
      },
      async addMany(payloads) {
        await queue.addBulk(payloads.map((data) => ({ name: "job", data })));
      },
      async close() {
        await queue.close();
        await pool.end();
      },
    };
  },

  async startWorker(url, mode, onJob) {
    const pool = openPool(url, connections);
    const worker = new Worker<Payload>(
      queueName,
      async ({ data }) => {
        onJob(data);
        return { ok: true };
      },
      { connection: pool, ...workerSettings[mode] },
    );
    worker.on("error", (error) => {
      throw error;
    });
    await worker.waitUntilReady();
    return {
      async stop() {
        await worker.close();
        await pool.end();
      },
    };
  },

  unsettled: `select exists (select from bullmq.job where queue = '${queueName}' and state = 'active')`,
};
