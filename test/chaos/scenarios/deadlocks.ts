// Everybody at the same few rows at once, in any order: settles, cancellations, rescues, bulk enqueues of the same keys,
// and transactions of others that lock jobs and keys crosswise.
import { setTimeout as sleep } from "node:timers/promises";
import { inArray, sql as text } from "drizzle-orm";
import * as v from "valibot";
import { soniqJobs } from "../../../schema/index.ts";
import { cancelJob, createWorker, defineJob, enqueue, enqueueMany, type WorkerEvent } from "../../../src/index.ts";
import { findErrorCode, describeError } from "../../../src/core/errors.ts";
import { rescueOverdue } from "../../../src/jobs/upkeep/rescue.ts";
import { randomFrom } from "../../support/random.ts";
import { type Findings, scratchDatabase, type Surroundings, within } from "./scenario.ts";

const clients = 8;
const keys = Array.from({ length: 40 }, (_, n) => n);

export async function deadlocks({ url, seed, seconds = 60 }: Surroundings & { seconds?: number }): Promise<Findings> {
  const { url: own, sql, db, open, drop } = await scratchDatabase(url);
  const random = randomFrom(seed);
  const violations = new Set<string>();
  const figures = { operations: 0, deadlocksOfOthers: 0, deadlocksOfTheEngine: 0, rescued: 0, fenced: 0, settled: 0 };
  const ended = new Map<number, number>();

  const crowd = defineJob({
    name: "crowd",
    payload: v.number(),
    unique: { by: (n) => `${n}` },
    maxAttempts: 1_000,
    backoff: () => 0,
    run: async (_, { snooze, signal }) => {
      await sleep(random.below(5), undefined, { signal });
      if (random.below(5) === 0) throw new Error("once more");
      if (random.below(5) === 0) return snooze(1);
    },
  });
  const onEvent = (event: WorkerEvent) => {
    if (event.type === "rescued") figures.rescued += event.jobs.length;
    if (event.type === "fenced") figures.fenced += 1;
    if (event.type === "error" && findErrorCode(event.error) === "40P01") figures.deadlocksOfTheEngine += 1;
    if (!("state" in event)) return;
    figures.settled += 1;
    if (event.state !== "queued") ended.set(event.job.id, (ended.get(event.job.id) ?? 0) + 1);
  };
  const config = {
    connection: own,
    jobs: { crowd },
    handlers: {},
    pollInterval: "20ms",
    rescueInterval: "20ms",
    maxCrashes: 1_000_000,
  } as const;
  const workers = [createWorker(config, { onEvent }), createWorker(config, { onEvent })];

  const some = <T>(all: readonly T[], most: number) =>
    all
      .map((one) => ({ one, at: random.next() }))
      .toSorted((a, b) => a.at - b.at)
      .slice(0, 1 + random.below(most))
      .map(({ one }) => one);
  const unfinished = async (most: number) =>
    some(
      (await sql<{ id: number }[]>`select id::int from soniq_jobs where state in ('queued', 'active') limit 60`).map(
        ({ id }) => id,
      ),
      most,
    );

  type Database = typeof db;
  /** Whoever has a transaction of their own says it again, as PostgreSQL asks for. */
  const theirs = async (
    on: Database,
    run: (tx: Parameters<Parameters<Database["transaction"]>[0]>[0]) => Promise<unknown>,
  ) => {
    for (;;) {
      try {
        return await on.transaction(run);
      } catch (error) {
        if (findErrorCode(error) !== "40P01") throw error;
        figures.deadlocksOfOthers += 1;
      }
    }
  };
  const operations: Record<string, (on: Database) => Promise<unknown>> = {
    "an enqueue": (on) => enqueue(on, crowd, random.below(keys.length)),
    "a bulk enqueue": (on) => enqueueMany(on, crowd, some(keys, 20)),
    "a cancellation": async (on) => Promise.all((await unfinished(2)).map((id) => cancelJob(on, id))),
    "cancellations in one transaction": async (on) => {
      const ids = await unfinished(4);
      await theirs(on, async (tx) => {
        for (const id of ids) await cancelJob(tx, id);
      });
    },
    "enqueues in one transaction": (on) => {
      const wanted = some(keys, 4);
      return theirs(on, async (tx) => {
        for (const n of wanted) await enqueue(tx, crowd, n);
      });
    },
    "a transaction that locks jobs": async (on) => {
      const ids = await unfinished(4);
      await theirs(on, async (tx) => {
        for (const id of ids) await tx.execute(text`select from soniq_jobs where id = ${id} for update`);
        await sleep(random.below(10));
      });
    },
    "a statement that updates jobs": async (on) => {
      const ids = await unfinished(20);
      if (ids.length > 0)
        await theirs(on, (tx) =>
          tx
            .update(soniqJobs)
            .set({ meta: { touched: true } })
            .where(inArray(soniqJobs.id, ids)),
        );
    },
    "a rescue of jobs past their deadline": async (on) => {
      const ids = await unfinished(5);
      if (ids.length > 0)
        await theirs(on, (tx) =>
          tx
            .update(soniqJobs)
            .set({ deadlineAt: text`now() - interval '1 second'` })
            .where(inArray(soniqJobs.id, ids)),
        );
      figures.rescued += (await rescueOverdue(on, { limit: 100 })).length;
    },
    "the end of a session": async () => {
      if (random.below(10) > 0) return;
      await sql`update soniq_workers set ended_at = now() where id = (select id from soniq_workers where ended_at is null limit 1)`;
    },
  };

  const end = performance.now() + seconds * 1_000;
  const client = async (on: Database) => {
    while (performance.now() < end) {
      const [[what, operate]] = some(Object.entries(operations), 1) as [[string, (on: Database) => Promise<unknown>]];
      figures.operations += 1;
      await operate(on).catch((error: unknown) => {
        const { code, said } = { code: findErrorCode(error), said: describeError(error) };
        violations.add(`${what} failed: ${code} ${said}`);
      });
    }
  };

  try {
    // So that they are found at once, and there are more of them.
    await sql.unsafe(
      `do $$ begin execute format('alter database %I set deadlock_timeout = ''10ms''', current_database()); end $$`,
    );
    await Promise.all(workers.map((worker) => worker.start()));
    await Promise.all(Array.from({ length: clients }, () => client(open({ max: 3 }))));
    const done = await within(60, async () => {
      const [left] = await sql`select from soniq_jobs where state in ('queued', 'active') limit 1`;
      return !left;
    });
    if (!done) {
      const left = await sql<
        { state: string; jobs: number }[]
      >`select state, count(*)::int as jobs from soniq_jobs where state in ('queued', 'active') group by 1`;
      for (const { state, jobs } of left) violations.add(`${jobs} jobs are still ${state} a minute later`);
    }
    const dead = await sql`select reason from soniq_jobs where state = 'dead' limit 1`;
    for (const { reason } of dead) violations.add(`a job died: ${reason as string}`);
    for (const [id, times] of ended) if (times > 1) violations.add(`job ${id} ended ${times} times`);
    return { figures, violations: [...violations] };
  } finally {
    await Promise.all(workers.map((worker) => worker.stop({ timeout: 0 })));
    await drop();
  }
}
