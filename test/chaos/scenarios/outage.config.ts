// The worker process of the outage: its jobs touch no database.
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { defineConfig, defineJob } from "../../../src/index.ts";

/** Takes so many milliseconds. */
export const take = defineJob({ name: "take", payload: v.number() });

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  jobs: { take },
  handlers: { take: (ms, { signal }) => sleep(ms, undefined, { signal }) },
  queues: { default: { concurrency: 20 } },
});
