// `job.progress`: readable while the job runs, and never the reason that one fails.
import { isDeepStrictEqual } from "node:util";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineConfig, defineJob, enqueue, getJob, type HandlerFunction, type JobContext } from "../../src/index.ts";
import { saveProgress } from "../../src/jobs/settle/save-progress.ts";
import { Progress } from "../../src/worker/attempt/progress.ts";
import { testDatabase } from "../support/database.ts";
import { createEffects, drivers, effects, effectsIn } from "../support/effects.ts";
import { gate } from "../support/gate.ts";
import { transactionWith } from "../support/locks.ts";
import { recordedDatabase } from "../support/recorded-database.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** Enqueues a job that a worker runs so. */
async function running(run: HandlerFunction<null, void>, maxAttempts = 1) {
  const job = defineJob({ name: "work", payload: v.null(), maxAttempts, backoff: () => 0, run });
  const { id } = await enqueue(db, job, null);
  const observed = await startWorker({ connection: url, jobs: { job }, handlers: {} });
  return { ...observed, id };
}

const progressOf = async (id: number) => (await getJob(db, id))?.progress;
const readsAs = (id: number, value: unknown) => until(async () => isDeepStrictEqual(await progressOf(id), value));

test("it can be read while the job runs, the latest value of many", async () => {
  const seen = gate();
  const { id, settled } = await running(async (_, { progress }) => {
    for (let done = 0; done <= 1_000; done += 1) progress({ done, of: 1_000 });
    await seen.opened;
  });
  await readsAs(id, { done: 1_000, of: 1_000 });
  expect(await getJob(db, id)).toMatchObject({ state: "active" });
  seen.open();
  await settled(id, "completed");
});

test("what was told last is written before the job is settled, however it ends", async () => {
  const seen = gate();
  const { id, settled } = await running(async (_, job) => {
    if (job.attempt === 2) await seen.opened;
    job.progress("begun");
    job.progress("half");
    if (job.attempt === 1) throw new Error("no");
    job.progress("done");
  }, 2);
  await settled(id, "queued");
  expect(await progressOf(id)).toBe("half");
  seen.open();
  await settled(id, "completed");
  expect(await progressOf(id)).toBe("done");
});

test("it costs a statement now and then, not one for each value", async () => {
  const { db: recorded, sent } = recordedDatabase(url);
  const session = await sessionOf(db);
  const job = defineJob({ name: "counted", queue: "counted", payload: v.null() });
  await enqueue(db, job, null);
  const [claimed] = await claimAs(db, session, { queue: "counted" });
  const progress = new Progress(
    (json) => saveProgress(recorded, session, claimed!, json),
    (error) => expect.unreachable(String(error)),
  );
  for (let n = 0; n < 10_000; n += 1) progress.report(n);
  await progress.stopWriting();
  expect(sent.map(({ parameters }) => parameters[0])).toEqual(["0", "9999"]);
  progress.report("after the end");
  await progress.stopWriting();
  expect(sent).toHaveLength(2);
});

test("nor one as often as there is time for it", async () => {
  const written: string[] = [];
  const progress = new Progress(
    async (json) => {
      written.push(json);
      return "written";
    },
    (error) => expect.unreachable(String(error)),
  );
  for (let n = 0; n < 100; n += 1) {
    progress.report(n);
    await sql`select 1`;
  }
  await progress.stopWriting();
  expect(written.length).toBeLessThan(50);
  expect(written.at(-1)).toBe("99");
});

test.each<[what: string, value: unknown, problem: RegExp]>([
  ["NaN", 0 / 0, /^progress is NaN, which JSON cannot carry$/],
  ["a NUL", { note: "a\0b" }, /^progress\.note has a NUL character/],
  ["nothing", undefined, /^progress is undefined/],
])("%s does not fail the job: it is a trouble", async (_what, value, problem) => {
  const { id, settled, event } = await running((_, { progress }) => progress(value));
  await settled(id, "completed");
  expect(await event("error")).toMatchObject({
    operation: `saving the progress of work #${id}`,
    error: { message: expect.stringMatching(problem) },
  });
});

test("a row that somebody has locked does not hold it up, and what could not be written is written later", async () => {
  const { db: recorded, sent } = recordedDatabase(url);
  const session = await sessionOf(db);
  const job = defineJob({ name: "locked", queue: "locked", payload: v.null() });
  const { id } = await enqueue(db, job, null);
  const [claimed] = await claimAs(db, session, { queue: "locked" });
  const progress = new Progress(
    (json) => saveProgress(recorded, session, claimed!, json),
    (error) => expect.unreachable(String(error)),
  );
  const release = await transactionWith(sql, `select from soniq_jobs where id = ${id} for update`);
  progress.report("told once");
  await until(async () => sent.length >= 2);
  await release();
  await readsAs(id, "told once");
  await progress.stopWriting();
});

test("an attempt that ends does not wait for whoever has locked its row", async () => {
  const progress = new Progress(
    async () => "locked",
    (error) => expect.unreachable(String(error)),
  );
  progress.report(1);
  await progress.stopWriting();
  expect(progress.unwritten).toBe("1");
});

test("a stale worker's is not written", async () => {
  const job = defineJob({ name: "stale", queue: "stale", payload: v.null() });
  const { id } = await enqueue(db, job, null);
  const stale = await sessionOf(db);
  const [claimed] = await claimAs(db, stale, { queue: "stale" });
  await sql`update soniq_jobs set state = 'queued', worker_id = null where id = ${id}`;
  await saveProgress(db, stale, claimed!, "1");
  expect(await progressOf(id)).toBeNull();
  await claimAs(db, await sessionOf(db), { queue: "stale" });
  await saveProgress(db, stale, claimed!, "1");
  expect(await progressOf(id)).toBeNull();
});

describe.each(drivers)("in a transaction of the handler's on %s,", async (_driver, database) => {
  const there = await testDatabase();
  await createEffects(there.sql);

  async function transacting(
    run: (job: JobContext<never>, tx: never) => Promise<void>,
    isolated = false,
    before = true,
  ) {
    const job = defineJob({ name: "book", payload: v.number(), maxAttempts: 1 });
    const { id } = await enqueue(there.db, job, 1);
    const observed = await startWorker(
      defineConfig({
        connection: there.url,
        database,
        jobs: { job },
        handlers: {
          job: (n, context) => {
            if (before) context.progress("before");
            return context.transaction(
              async (tx) => {
                await tx.insert(effects).values({ n });
                await run(context as never, tx as never);
              },
              isolated ? { isolationLevel: "repeatable read" } : {},
            );
          },
        },
      }),
    );
    return { ...observed, id, progress: async () => (await getJob(there.db, id))?.progress };
  }

  test("it is written with that", async () => {
    const told = gate();
    const seen = gate();
    const { id, settled, progress } = await transacting(async (job) => {
      job.progress("within");
      told.open();
      await seen.opened;
    });
    await told.opened;
    expect(await progress()).toBe("before");
    seen.open();
    await settled(id, "completed");
    expect(await progress()).toBe("within");
  });

  test("and does not stand in its way at a stricter isolation level", async () => {
    const { id, settled, events, progress } = await transacting(async (job) => job.progress("within"), true);
    await settled(id, "completed");
    expect(await progress()).toBe("within");
    expect(events.filter(({ type }) => type === "error")).toEqual([]);
  });

  test("it is not lost where that must begin again", async () => {
    const [begun, touched] = [gate(), gate()];
    let bodies = 0;
    const { id, settled, progress } = await transacting(async (job) => {
      bodies += 1;
      if (bodies > 1) return;
      job.progress("told once");
      begun.open();
      await touched.opened;
    }, true);
    await begun.opened;
    await there.sql`update soniq_jobs set tags = '["touched"]' where id = ${id}`;
    touched.open();
    await settled(id, "completed");
    expect(bodies).toBe(2);
    expect(await progress()).toBe("told once");
  });

  test("the first is not written beside that, either", async () => {
    let bodies = 0;
    const { id, settled, progress } = await transacting(
      async (job) => {
        bodies += 1;
        job.progress("within");
        // Written beside it, it would be by then, and in its way.
        for (let n = 0; n < 10; n += 1) await there.sql`select 1`;
      },
      true,
      false,
    );
    await settled(id, "completed");
    expect(bodies).toBe(1);
    expect(await progress()).toBe("within");
  });

  test("it is rolled back with that", async () => {
    const before = (await effectsIn(there.sql)).length;
    const { id, settled, progress } = await transacting(async (job) => {
      job.progress("within");
      throw new Error("no");
    });
    await settled(id, "dead");
    expect(await progress()).toBe("before");
    expect(await effectsIn(there.sql)).toHaveLength(before);
  });
});
