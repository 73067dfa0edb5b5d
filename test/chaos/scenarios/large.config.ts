// The worker process of the large results: its jobs return as many bytes as they are asked for, together or one by one.
import * as v from "valibot";
import { defineConfig, defineJob } from "../../../src/index.ts";

/** Returns so many bytes. */
export const produce = defineJob({ name: "produce", payload: v.number(), result: v.string() });

const concurrency = Number(process.env["LARGE_CONCURRENCY"] ?? 10);
/** So many begin before the first one returns. */
const together = Number(process.env["LARGE_TOGETHER"] ?? 1);

const sentence = "a large result ";

let begun = 0;
let open = () => {};
const all = new Promise<void>((resolve) => (open = resolve));

// Only the worker's process reports its memory, not a process that imports this file for its job.
if (process.env["LARGE_TOGETHER"] !== undefined)
  process.once("exit", () => process.stderr.write(`max rss ${process.resourceUsage().maxRSS} KB\n`));

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  jobs: { produce },
  handlers: {
    async produce(bytes, { id }) {
      begun += 1;
      if (begun === together) open();
      await all;
      return `${id} ${sentence.repeat(bytes / sentence.length)}`;
    },
  },
  queues: { default: { concurrency } },
  maxConnections: 20,
});
