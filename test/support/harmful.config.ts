// Jobs that do harm to the process they run in, and their neighbours: `soniq-drizzle work --config` this file.
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { defineConfig, defineJob, type Duration } from "../../src/index.ts";

/** Ends the process under the worker's feet, every time. */
export const deadly = defineJob({ name: "deadly", payload: v.picklist(["abort", "exit"]) });

/** Leaves an error behind that nothing catches, and runs on. */
export const careless = defineJob({ name: "careless", payload: v.picklist(["rejection", "exception"]) });

/** Means no harm. A patient one runs until its signal is aborted. */
export const neighbour = defineJob({ name: "neighbour", payload: v.picklist(["quick", "patient"]) });

const untilAborted = (signal: AbortSignal) => sleep(600_000, undefined, { signal });

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  jobs: { deadly, careless, neighbour },
  handlers: {
    deadly: (how) => (how === "abort" ? process.abort() : process.exit(1)),
    async careless(what, { signal }) {
      const error = new Error("nobody waits for me, password=hunter2", { cause: new Error("the deeper cause") });
      if (what === "rejection") void Promise.reject(error);
      else
        setImmediate(() => {
          throw error;
        });
      await untilAborted(signal);
    },
    neighbour: async (kind, { signal }) => void (kind === "patient" && (await untilAborted(signal))),
  },
  queues: { default: { concurrency: 5 } },
  lease: process.env["LEASE"] as Duration,
  rescueInterval: "100ms",
  pollInterval: "20ms",
});
