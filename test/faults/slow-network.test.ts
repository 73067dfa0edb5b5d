// A network that takes its time, but loses nothing.
import { expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueueMany, type WorkerEvent } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { networkTo } from "../support/network.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

test("no lease is lost to it, and no job is run twice", async () => {
  const network = await networkTo(url);
  network.slow(200, 1024);
  const runs = new Map<number, number>();
  const beats = async () => (await sql`select beat_at from soniq_workers where queues ? 'far'`)[0]?.["beat_at"] as Date;
  const far = defineJob({
    name: "far",
    queue: "far",
    payload: v.object({ n: v.number(), filling: v.string() }),
    result: v.string(),
    run: async ({ n, filling }) => {
      runs.set(n, (runs.get(n) ?? 0) + 1);
      // The first outlasts the lease.
      for (let seen = 0, last = await beats(); n === 0 && seen < 4; seen += 1) {
        const before = last;
        last = await until(async () => {
          const at = await beats();
          return at > before && at;
        });
      }
      return filling;
    },
  });
  const filling = "x".repeat(50_000);
  const jobs = await enqueueMany(
    db,
    far,
    Array.from({ length: 20 }, (_, n) => ({ n, filling })),
  );
  const config = { handlers: {}, lease: "6s", rescueInterval: "100ms" } as const;
  const queues = { far: { concurrency: 5 } };
  const worker = await startWorker({ ...config, connection: network.url, jobs: { far }, queues });
  const sweeper = await startWorker({ ...config, connection: url, jobs: {}, queues: { none: { concurrency: 1 } } });
  await Promise.all(jobs.map(({ id }) => worker.settled(id, "completed")));
  expect([...runs.values()]).toEqual(jobs.map(() => 1));
  // On a busy machine it may think itself degraded.
  const others = ({ type }: WorkerEvent) => !["started", "completed", "degraded", "recovered"].includes(type);
  expect(worker.events.filter(others)).toEqual([]);
  expect(sweeper.events.filter(others)).toEqual([]);
});
