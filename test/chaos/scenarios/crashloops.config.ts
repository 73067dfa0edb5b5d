// The worker processes of the crash loops.
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { defineConfig, defineJob } from "../../../src/index.ts";

/** Brings its process down, as running out of memory does. */
export const killer = defineJob({ name: "killer", payload: v.null() });
export const neighbour = defineJob({ name: "neighbour", payload: v.null() });

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  jobs: { killer, neighbour },
  handlers: {
    killer: () => void process.kill(process.pid, "SIGKILL"),
    neighbour: (_, { signal }) => sleep(50, undefined, { signal }),
  },
  queues: { default: { concurrency: 5 } },
  lease: "2s",
  rescueInterval: "500ms",
});
