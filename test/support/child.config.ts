// What a worker process that a test starts is configured by: `soniq-drizzle work --config` this file.
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import * as v from "valibot";
import { defineConfig, defineJob, type Duration } from "../../src/index.ts";

/** Runs until the test lets it go, or its signal is aborted; each of its steps goes into the table `ledger`. */
export const hold = defineJob({ name: "hold", payload: v.object({ n: v.number() }) });

/** Blocks its process, and all that goes on in it, until there is such a file. */
export const block = defineJob({ name: "block", payload: v.object({ n: v.number(), until: v.string() }) });

const url = process.env["DATABASE_URL"];
const setting = (name: string) => process.env[name] as Duration;

export default defineConfig({
  connection: url,
  jobs: { hold, block },
  handlers: {
    async block({ n, until }) {
      const sql = postgres(url as string, { max: 1 });
      await sql`insert into ledger values (${n}, 'started')`;
      await sql.end();
      while (!existsSync(until));
    },
    async hold({ n }, { signal, log }) {
      const sql = postgres(url as string, { max: 1 });
      const note = (step: string) => {
        log(step);
        return sql`insert into ledger values (${n}, ${step})`;
      };
      await note("started");
      for (;;) {
        if ((await sql`select from ledger where n = ${n} and step = 'let go'`).length > 0) break;
        if (signal.aborted) {
          await note("aborted");
          throw signal.reason;
        }
        await sleep(10);
      }
      await note("finished");
    },
  },
  queues: { default: { concurrency: 3 } },
  lease: setting("LEASE"),
  rescueInterval: "200ms",
  pollInterval: "200ms",
  shutdownTimeout: setting("DRAIN_TIMEOUT"),
});
