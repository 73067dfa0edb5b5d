// Promise 7. Time zones and the changes of the clocks are in test/schedules/cron.test.ts, restarts and versions of the code in
// test/schedules/versions.test.ts. Ten minutes with eight workers: SONIQ_SCHEDULE_SECONDS=600 npx vitest run on this file.
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startChild } from "../support/child.ts";
import { testDatabase } from "../support/database.ts";
import { randomFrom, seed } from "../support/random.ts";
import { until } from "../support/until.ts";

const seconds = Number(process.env["SONIQ_SCHEDULE_SECONDS"] ?? 8);
const isShort = seconds < 60;
const workers = isShort ? 4 : 8;
/** Starting a process takes about a second of a processor. */
const killEveryMs = isShort ? 300 : 1_500;

test(
  `${seconds} s of ticks each second, fired by ${workers} worker processes that are killed at random (seed ${seed})`,
  { timeout: 2 * seconds * 1_000 + 120_000 },
  async () => {
    const { url, sql } = await testDatabase();
    const random = randomFrom(seed);
    const start = () => startChild(url, { config: "scheduler.config.ts", lease: "2s" });
    const children = Array.from({ length: workers }, start);
    const fired = async () => (await sql`select from soniq_jobs limit 1`).length > 0;
    await until(fired);

    let kills = 0;
    for (const end = performance.now() + seconds * 1_000; performance.now() < end; kills += 1) {
      await sleep(killEveryMs + random.below(2 * killEveryMs));
      const victim = random.below(workers);
      children[victim]?.kill("SIGKILL");
      children[victim] = start();
    }
    // What came due while nobody was there fires as well.
    await until(
      async () =>
        (await sql`select from soniq_schedules where next_run_at < now() - interval '2 seconds'`).length === 0,
    );
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map(({ exited }) => exited));

    for (const schedule of ["by the clock", "by interval"]) {
      const ticks = await sql<{ tick: string; jobs: number }[]>`
        select meta ->> 'tick' as tick, count(*)::int as jobs from soniq_jobs
        where meta ->> 'schedule' = ${schedule} group by 1 order by 1`;
      const [first, last] = [ticks.at(0), ticks.at(-1)].map((row) => Date.parse(row?.tick ?? ""));
      const expected = Array.from({ length: ticks.length }, (_, n) => ({
        tick: new Date((first as number) + n * 1_000).toISOString(),
        jobs: 1,
      }));
      expect([...ticks], `schedule ${schedule}, seed ${seed}`).toEqual(expected);
      // The next tick may be overdue for 2 s, and the last one lies a second before that.
      expect((last as number) - (first as number)).toBeGreaterThanOrEqual((seconds - 3) * 1_000);
    }
    expect(kills).toBeGreaterThan(3);
  },
);
