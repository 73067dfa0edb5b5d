import { setTimeout as sleep } from "node:timers/promises";
import { PgBoss, type ConstructorOptions, type Job, type JobResult } from "pg-boss";
import { installedVersion } from "./installed-version.ts";
import type { Payload, System } from "./system.ts";

const queue = "bench";

/** The minimum that it accepts. It matters only after a fetch that found less than it asked for. */
const polling = { pollingIntervalSeconds: 0.5 };
/** Fetches again at once while there are more jobs. Without `perJobResults`, no job of a batch would store its result. */
const batches = { ...polling, burstWhenBatchFull: true, perJobResults: true } as const;
const batchSize = 2500;

/** With batches of one, it fetches again at once depending on the count of ready jobs, which it caches: here for a second. */
const freshCounts = { monitorIntervalSeconds: 1, superviseIntervalSeconds: 1, queueCacheIntervalSeconds: 1 };
const untilCached = 1100;
const oneByOne = { batchSize: 1, localConcurrency: 4, burstWhenReadyExceeds: 1 };

async function open(url: string, options: ConstructorOptions = {}): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: url, openTelemetry: { enabled: false }, ...options });
  boss.on("error", (error) => {
    throw error;
  });
  await boss.start();
  return boss;
}

export const pgBoss: System = {
  name: "pg-boss",
  version: installedVersion("pg-boss"),
  guarantees: { fence: true, result: true, history: true, perJobOutcome: true, validated: false },
  settings: {
    batched: `a queue with a table of its own, batchSize ${batchSize}, burstWhenBatchFull, perJobResults, openTelemetry off`,
    unbatched:
      "a queue with a table of its own, localConcurrency 4, burstWhenReadyExceeds 1 on counts of every second, openTelemetry off",
    prompt:
      "useListenNotify and the queue's notify, batchSize 100, burstWhenBatchFull, perJobResults, openTelemetry off",
  },
  processes: () => 2,

  async install(url) {
    const boss = await open(url);
    await boss.createQueue(queue, { partition: true });
    await boss.stop();
  },

  async openProducer(url, connections) {
    // So that a producer notices within a second that a worker waits for notifications.
    const boss = await open(url, { max: connections, queueCacheIntervalSeconds: 1 });
    return {
      async add(payload) {
        await boss.send(queue, payload);
      },
      async addMany(payloads) {
        await boss.insert(
          queue,
          payloads.map((data) => ({ data })),
        );
      },
      close: () => boss.stop(),
    };
  },

  async startWorker(url, mode, onJob) {
    const handler = async (payload: Payload) => {
      onJob(payload);
      return { ok: true };
    };
    const batchHandler = (jobs: Job<Payload>[]) =>
      Promise.all(
        jobs.map(async ({ id, data }): Promise<JobResult> => ({
          id,
          status: "completed",
          output: await handler(data),
        })),
      );
    let boss: PgBoss;
    switch (mode) {
      case "batched":
        boss = await open(url);
        await boss.work(queue, { ...batches, batchSize }, batchHandler);
        break;
      case "unbatched":
        boss = await open(url, freshCounts);
        await boss.supervise(queue);
        await sleep(untilCached);
        await boss.work<Payload>(queue, { ...polling, ...oneByOne }, ([job]) => handler(job!.data));
        break;
      case "prompt":
        boss = await open(url, { useListenNotify: true });
        await boss.updateQueue(queue, { notify: true });
        await boss.work(queue, { ...batches, batchSize: 100 }, batchHandler);
        await sleep(untilCached);
        break;
      case "deleted":
        throw new Error("pg-boss keeps completed jobs");
    }
    return { stop: () => boss.stop() };
  },

  unsettled: `select exists (select from pgboss.job where name = '${queue}' and state = 'active')`,
};
