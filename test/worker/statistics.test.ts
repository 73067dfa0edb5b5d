// What workers add to the statistics as they work.
import * as v from "valibot";
import { expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** All that is counted, by queue, name and measure; of histograms, whatever the bucket. */
async function counted(): Promise<Record<string, number>> {
  const rows = await sql<{ what: string; count: number }[]>`
    select queue || ' ' || name || ' ' || measure as what, sum(count)::int as count from soniq_stats group by 1 order by 1`;
  return Object.fromEntries(rows.map(({ what, count }) => [what, count]));
}

test("each attempt is counted by its end, with how long it took and how long its job had been due", async () => {
  const job = defineJob({
    name: "counted",
    payload: v.string(),
    run: (what, { attempt, snooze, cancel, discard }) => {
      if (what === "retried" && attempt === 1) throw new Error("not yet");
      if (what === "snoozed") return snooze("1h");
      if (what === "cancelled") return cancel("enough");
      if (what === "dead") return discard("no");
    },
    backoff: () => 0,
  });
  await enqueueMany(db, job, ["a", "b", "retried", "snoozed", "cancelled", "dead"]);
  await sql`insert into soniq_jobs (name, payload, run_at) values ('stranger', '1', now() - interval '1 minute')`;
  const { worker, event } = await startWorker({ connection: url, jobs: { job }, handlers: {} });
  await event("unknown");
  await worker.drain({ wait: 0 }).catch(() => {});
  await worker.stop();
  expect(await counted()).toMatchObject({
    "default counted completed": 3,
    "default counted retried": 1,
    "default counted snoozed": 1,
    "default counted cancelled": 1,
    "default counted dead": 1,
    "default counted run": 7,
    "default counted wait": 7,
    "default other unknown": expect.any(Number),
  });
});
