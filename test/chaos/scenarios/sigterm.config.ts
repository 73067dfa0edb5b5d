// What the workers are configured by that the scenario in sigterm.ts stops.
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { defineConfig, defineJob, type Duration } from "../../../src/index.ts";

/** Takes so long, and fails so many times before it does well. */
export const task = defineJob({
  name: "task",
  payload: v.object({ ms: v.number(), failures: v.number() }),
  backoff: () => 300,
});

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  jobs: { task },
  handlers: {
    async task({ ms, failures }, { attempt, signal }) {
      await sleep(ms, undefined, { signal });
      if (attempt <= failures) throw new Error("not yet");
    },
  },
  queues: Object.fromEntries((process.env["QUEUES"] ?? "").split(",").map((queue) => [queue, { concurrency: 5 }])),
  pollInterval: "100ms",
  shutdownTimeout: process.env["DRAIN_TIMEOUT"] as Duration,
});
