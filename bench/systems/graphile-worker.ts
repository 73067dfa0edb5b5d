import type { Mode, Payload, System } from "./system.ts";
import type { WorkerUtils } from "graphile-worker";
import { installedVersion } from "./installed-version.ts";

// Read once, when the library is imported: without it, a line is formatted for every job, for a logger that drops it.
process.env["NO_LOG_SUCCESS"] = "1";
const { Logger, makeWorkerUtils, run } = await import("graphile-worker");

const silent = new Logger(() => () => {});
const task = "bench";

/** The settings of the performance page of its documentation. */
const concurrency = { concurrentJobs: 24, maxPoolSize: 25 };
const batching = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

/** It always deletes its jobs, so both modes are the same. */
const workerSettings: Readonly<Partial<Record<Mode, object>>> = {
  batched: { ...concurrency, ...batching },
  deleted: { ...concurrency, ...batching },
  unbatched: concurrency,
  prompt: { concurrentJobs: 10, maxPoolSize: 12 },
};

const utilities = (url: string, maxPoolSize: number): Promise<WorkerUtils> =>
  makeWorkerUtils({ connectionString: url, maxPoolSize, logger: silent });

export const graphileWorker: System = {
  name: "graphile-worker",
  version: installedVersion("graphile-worker"),
  guarantees: { fence: false, result: false, history: false, perJobOutcome: true, validated: false },
  settings: {
    batched: "localQueue.size 500, completeJobBatchDelay 0, failJobBatchDelay 0, concurrentJobs 24, maxPoolSize 25",
    deleted: "the same as batched: it always deletes",
    unbatched: "no localQueue, no batch delays, concurrentJobs 24, maxPoolSize 25",
    prompt: "no localQueue, no batch delays, concurrentJobs 10, maxPoolSize 12; notified by LISTEN/NOTIFY, as always",
  },
  processes: () => 2,

  async install(url) {
    const utils = await utilities(url, 2);
    await utils.migrate();
    await utils.release();
  },

  async openProducer(url, connections) {
    const utils = await utilities(url, connections);
    return {
      async add(payload) {
        await utils.addJob(task, payload);
      },
      async addMany(payloads) {
        await utils.addJobs(payloads.map((payload) => ({ identifier: task, payload })));
      },
      close: async () => utils.release(),
    };
  },

  async startWorker(url, mode, onJob) {
    const runner = await run({
      preset: { worker: { connectionString: url, logger: silent, ...workerSettings[mode] } },
      noHandleSignals: true,
      crontab: "",
      taskList: {
        // A task can only return `undefined` or a list: it cannot store the { ok: true } of the other systems.
        async [task](payload) {
          onJob(payload as Payload);
        },
      },
    });
    return { stop: () => runner.stop() };
  },

  // All remaining rows: settled jobs are deleted.
  unsettled: "select exists (select from graphile_worker._private_jobs)",
};
