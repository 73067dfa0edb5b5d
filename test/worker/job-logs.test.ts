// `job.log`: what a job keeps of what its handlers say, and that saying it never costs the job anything.
import { drizzle } from "drizzle-orm/postgres-js";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany, type JobContext, postgresJs, type WorkerConfig } from "../../src/index.ts";
import { openLedger, startChild } from "../support/child.ts";
import { hold } from "../support/child.config.ts";
import { createEffects, effects, effectsIn } from "../support/effects.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { type JobRow, jobRow } from "../support/job-row.ts";
import { transactionWith } from "../support/locks.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
await createEffects(sql);
const database = postgresJs((client) => drizzle({ client, schema: { effects } }));
let next = 0;

interface Line {
  readonly at: string;
  readonly attempt: number;
  readonly message: string;
  readonly fields?: unknown;
}

/** Starts a worker of one job that is run so. */
async function running(run: (job: JobContext, n: number) => unknown, more: Partial<WorkerConfig> = {}) {
  const name = `job-${(next += 1)}`;
  const job = defineJob({
    name,
    queue: name,
    payload: v.number(),
    backoff: () => 0,
    run: async (n, context) => void (await run(context, n)),
  });
  const observed = await startWorker({ connection: url, database, jobs: { job }, handlers: {}, ...more });
  const { id } = await enqueue(db, job, 1);
  const row = async () => (await jobRow(db, id)) as JobRow;
  return { ...observed, job, id, row, logs: () => logsOf(id) };
}

/** What is kept of lines that a job logs, and that it completed. */
async function kept(say: (job: JobContext) => void): Promise<Line[]> {
  const { settled, id, logs } = await running(say);
  await settled(id, "completed");
  return logs();
}

const logsOf = async (id: number) => (await jobRow(db, id))?.logs as Line[];
const messages = (lines: readonly Line[]) => lines.map(({ message }) => message);

describe("a line", () => {
  test("is kept with its time, attempt and fields, in order", async () => {
    const { settled, id, row, logs } = await running(({ log, attempt }) => {
      log(`try ${attempt}`);
      log("half way", { rows: 50, of: { file: "orders.csv" } });
      if (attempt === 1) throw new Error("once more");
    });
    await settled(id, "completed");
    const lines = await logs();
    expect(lines).toEqual([
      { at: expect.any(String), attempt: 1, message: "try 1" },
      { at: expect.any(String), attempt: 1, message: "half way", fields: { rows: 50, of: { file: "orders.csv" } } },
      { at: expect.any(String), attempt: 2, message: "try 2" },
      { at: expect.any(String), attempt: 2, message: "half way", fields: { rows: 50, of: { file: "orders.csv" } } },
    ]);
    const times = lines.map(({ at }) => at);
    expect(new Set(times).size).toBe(4);
    expect(times.toSorted()).toEqual(times);
    const { createdAt, claimedAt } = await row();
    expect(new Date(times[0] as string).getTime()).toBeGreaterThanOrEqual(createdAt.getTime());
    expect(new Date(times[2] as string).getTime()).toBeGreaterThanOrEqual(claimedAt?.getTime() as number);
  });

  test("can be read while the job runs, and the next ones too", async () => {
    const goOn = gate();
    const finish = gate();
    const { settled, id, row, logs } = await running(async ({ log }) => {
      log("first");
      await goOn.opened;
      log("second");
      await finish.opened;
      log("third");
    });
    await until(async () => (await logs()).length === 1);
    expect((await row()).state).toBe("active");
    goOn.open();
    await until(async () => (await logs()).length === 2);
    finish.open();
    await settled(id, "completed");
    expect(messages(await logs())).toEqual(["first", "second", "third"]);
  });

  test("of a job that ends at once is not lost, in a backlog either", async () => {
    const { job, settled, id } = await running(({ log }, n) => log(`line of ${n}`));
    await settled(id, "completed");
    const jobs = await enqueueMany(
      db,
      job,
      Array.from({ length: 500 }, (_, n) => n),
    );
    await Promise.all(jobs.map((one) => settled(one.id, "completed")));
    const rows = await sql`select from soniq_jobs where name = ${job.name}
      and jsonb_array_length(logs) = 1 and logs -> 0 ->> 'message' = 'line of ' || payload::text`;
    expect(rows).toHaveLength(501);
  });

  test("after the job's end is not kept", async () => {
    const settledFirst = gate();
    const said = gate();
    const { settled, id, logs, events } = await running(({ log }) => {
      log("in time");
      void settledFirst.opened.then(() => (log("too late"), said.open()));
    });
    await settled(id, "completed");
    settledFirst.open();
    await said.opened;
    expect(events.filter(({ type }) => type === "logged")).toHaveLength(2);
    expect(messages(await logs())).toEqual(["in time"]);
  });
});

test("the last hundred lines are kept, of the whole job", async () => {
  const { settled, id, logs } = await running(({ log, attempt }) => {
    for (let n = 1; n <= 170; n += 1) log(`${attempt}/${n}`);
    if (attempt === 1) throw new Error("once more");
    if (attempt === 2) log("end");
  });
  await settled(id, "completed");
  const lines = messages(await logs());
  expect(lines).toHaveLength(100);
  expect([lines[0], lines.at(-1)]).toEqual(["2/72", "end"]);
});

describe("whatever is logged, the job completes, and keeps", () => {
  const unreadable = {
    toString() {
      throw new Error("no text");
    },
  };
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;

  test.each<[what: string, message: unknown, expected: unknown]>([
    ["no message", undefined, "undefined"],
    ["a number", 7, "7"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["what has no text", unreadable, "a message that cannot be read"],
    ["a NUL character", "a\0b", "a\u{fffd}b"],
    ["half a surrogate pair", "a\ud800b", "a\u{fffd}b"],
    ["a password", "postgres://me:hunter2@host/db", "postgres://me:***@host/db"],
    ["a long message, cut", "x".repeat(9_000), expect.stringMatching(/^.{1,2000}$/)],
  ])("%s", async (_, message, expected) => {
    expect(messages(await kept(({ log }) => log(message as string)))).toEqual([expected]);
  });

  test.each<[what: string, fields: unknown, expected: object]>([
    ["a bigint as a text", { n: 7n }, { message: "m", fields: { n: "7" } }],
    ["an error as a sentence", { e: new TypeError("no") }, { message: "m", fields: { e: "TypeError: no" } }],
    ["NUL characters in a text", { t: "\0" }, { message: "m", fields: { t: "\u{fffd}" } }],
    ["no fields with a NUL in a key", { "\0": 1 }, { message: "m (its fields are left out: they cannot be read)" }],
    ["a key that only looks like an escape", { "\\u0000": 1 }, { message: "m", fields: { "\\u0000": 1 } }],
    [
      "no fields with a NUL behind a backslash",
      { "\\\0": 1 },
      { message: "m (its fields are left out: they cannot be read)" },
    ],
    ["no cycle", cycle, { message: "m (its fields are left out: they cannot be read)" }],
    [
      "no fields that are too long",
      { t: Array(999).fill(1) },
      { message: "m (its fields are left out: they have 2005 characters)" },
    ],
    ["fields that are none", "a text", { message: "m", fields: "a text" }],
    ["a function as nothing", () => 1, { message: "m (its fields are left out: they cannot be read)" }],
  ])("%s", async (_, fields, expected) => {
    const [line, ...more] = await kept(({ log }) => log("m", fields as object as Record<string, unknown>));
    expect({ ...line, at: undefined, attempt: undefined }).toEqual({ ...expected, at: undefined, attempt: undefined });
    expect(more).toEqual([]);
  });

  test("its lines where plain SQL had put something else", async () => {
    const { settled, id, logs } = await running(async (job) => {
      await sql`update soniq_jobs set logs = '{"not": "a list"}' where id = ${job.id}`;
      job.log("well");
    });
    await settled(id, "completed");
    expect(messages(await logs())).toEqual(["well"]);
  });
});

describe("in a transaction of the job", () => {
  test("lines are kept when it commits, once each", async () => {
    const { settled, id, logs } = await running((job) => {
      job.log("before");
      return job.transaction(async () => job.log("within"));
    });
    await settled(id, "completed");
    expect(messages(await logs())).toEqual(["before", "within"]);
  });

  test("lines are kept when it is rolled back", async () => {
    const { settled, id, logs } = await running((job) =>
      job.transaction(async (tx) => {
        await (tx as typeof db).insert(effects).values({ n: -1 });
        job.log("within", { attempt: job.attempt });
        if (job.attempt === 1) throw new Error("rolled back");
      }),
    );
    await settled(id, "completed");
    expect(messages(await logs())).toEqual(["within", "within"]);
    expect(await effectsIn(sql)).toEqual([-1]);
  });

  test("that is stricter and long, they do not make it begin again", async () => {
    let bodies = 0;
    const other = gate();
    const { job, settled, id, logs } = await running(async (context, n) => {
      if (n === 2) return void (context.log("seen"), await other.opened);
      await context.transaction(
        async (tx) => {
          bodies += 1;
          await (tx as typeof db).select().from(effects);
          context.log("within");
          // Two rounds of writing pass, as another job's lines show.
          for (let round = 0; round < 2; round += 1) {
            const { id: beside } = await enqueue(db, job, 2);
            await until(async () => (await logsOf(beside)).length === 1);
          }
        },
        { isolationLevel: "repeatable read" },
      );
    });
    await settled(id, "completed");
    other.open();
    expect(bodies).toBe(1);
    expect(messages(await logs())).toEqual(["within"]);
  });
});

test("a row that somebody has locked holds up nobody else's lines, and gets its own with the settle", async () => {
  const [first, finish] = [gate(), gate()];
  const { job, settled, id, logs, events } = await running(async ({ log }, n) => {
    if (n === 1) await first.opened;
    log(`line of ${n}`);
    await finish.opened;
  });
  await until(async () => (await jobRow(db, id))?.state === "active");
  const release = await transactionWith(sql, `select from soniq_jobs where id = ${id} for update`);
  first.open();
  const other = await enqueue(db, job, 2);
  await until(async () => (await logsOf(other.id)).length === 1);
  expect(await logs()).toEqual([]);
  await release();
  finish.open();
  await settled(id, "completed");
  await settled(other.id, "completed");
  expect(messages(await logs())).toEqual(["line of 1"]);
  expect(events.filter(({ type }) => type === "error")).toEqual([]);
});

test("what was written before a worker was killed is kept, and another worker goes on from there", async () => {
  const { letGo } = await openLedger(sql);
  const { id } = await enqueue(db, hold, { n: 1 });
  const first = startChild(url, { lease: "2s" });
  await until(async () => (await logsOf(id)).length === 1);
  first.kill("SIGKILL");
  await letGo(1);
  startChild(url);
  await until(async () => (await jobRow(db, id))?.state === "completed");
  expect(messages(await logsOf(id))).toEqual(["started", "started", "finished"]);
});

test("lines that PostgreSQL refuses cost a job nothing but themselves", async () => {
  await sql`alter table soniq_jobs add constraint no_logs check (logs::text not like '%forbidden%')`;
  const { settled, id, row } = await running(({ log }) => log("forbidden"));
  await settled(id, "completed");
  await sql`alter table soniq_jobs drop constraint no_logs`;
  expect(await row()).toMatchObject({ state: "completed", reason: null, logs: [] });
});

test("nor do they keep the lines of other jobs from being written", async () => {
  await sql`alter table soniq_jobs add constraint no_logs check (logs::text not like '%forbidden%')`;
  const finish = gate();
  const { job, settled, id, logs, event } = await running(async ({ log }, n) => {
    log(n === 1 ? "forbidden" : "fine");
    await finish.opened;
  });
  await event("error", ({ operation }) => operation === `writing the log of job #${id}`);
  const other = await enqueue(db, job, 2);
  await until(async () => (await logsOf(other.id)).length === 1);
  expect(await logs()).toEqual([]);
  finish.open();
  await settled(id, "completed");
  await settled(other.id, "completed");
  await sql`alter table soniq_jobs drop constraint no_logs`;
});
