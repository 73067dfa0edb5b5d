// Wrong clocks: the application's says nothing here, and the database's may jump.
import { afterEach, describe, expect, test, vi } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { claimAs, expireLease, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { isSettled, startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const hour = 3_600_000;

/** Of the database's clock: in how many minutes the job runs, or the session's lease ends. */
const minutesTo = async (table: "soniq_jobs" | "soniq_workers", column: string, id: number | string) => {
  const [row] = await sql.unsafe<{ minutes: number }[]>(
    `select round(extract(epoch from ${column} - now()) / 60)::int as minutes from ${table} where id = '${id}'`,
  );
  return row?.minutes;
};

describe.each([
  ["an hour ahead", () => hour],
  ["an hour behind", () => -hour],
  ["jumping back and forth", () => (Math.random() - 0.5) * 4 * hour],
])("with a clock of the application's that is %s", (what, off) => {
  let jumping: NodeJS.Timeout;
  afterEach(() => {
    clearInterval(jumping);
    vi.useRealTimers();
  });

  test("jobs run when they should, and live workers keep theirs", async () => {
    const queue = what;
    const real = Date.now;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + off() });
    const begin = performance.now();
    const trueStart = real() - off();
    jumping = setInterval(() => vi.setSystemTime(trueStart + performance.now() - begin + off()), 5);

    const settings = { queue, payload: v.null() };
    let tries = 0;
    const due = defineJob({ ...settings, name: "due", run: () => {} });
    const again = defineJob({
      ...settings,
      name: "again",
      backoff: () => 0,
      run: () => {
        tries += 1;
        if (tries === 1) throw new Error("once");
      },
    });
    const later = defineJob({
      ...settings,
      name: "later",
      backoff: () => "30m",
      run: () => {
        throw new Error("not now");
      },
    });
    const snooze = defineJob({ ...settings, name: "snooze", run: (_, job) => job.snooze("30m") });

    const { id: held } = await enqueue(db, due, null);
    const [live, dead] = [await sessionOf(db), await sessionOf(db)];
    await claimAs(db, live, { queue });
    const { id: lost } = await enqueue(db, due, null);
    await claimAs(db, dead, { queue });
    await expireLease(sql, dead);

    const { id: delayed } = await enqueue(db, due, null, { delay: "30m" });
    const [ids, worker] = [
      {
        now: (await enqueue(db, due, null)).id,
        again: (await enqueue(db, again, null)).id,
        later: (await enqueue(db, later, null)).id,
        snooze: (await enqueue(db, snooze, null)).id,
      },
      await startWorker({
        connection: url,
        jobs: { due, again, later, snooze },
        handlers: {},
        queues: { [queue]: { concurrency: 5 } },
        pollInterval: "20ms",
        rescueInterval: "20ms",
        lease: "10m",
      }),
    ];
    await worker.settled(lost, "completed");
    await worker.settled(ids.now, "completed");
    await worker.settled(ids.again, "completed");
    await Promise.all([worker.settled(ids.later, "queued"), worker.settled(ids.snooze, "queued")]);
    // Some more polls and sweeps.
    for (let more = 0; more < 5; more += 1) await worker.settled((await enqueue(db, due, null)).id, "completed");

    expect(await jobRow(db, held)).toMatchObject({ state: "active", workerId: live, claims: 1 });
    expect(await jobRow(db, delayed)).toMatchObject({ state: "queued", claims: 0 });
    expect(await jobRow(db, ids.later)).toMatchObject({ state: "queued", claims: 1 });
    expect(await jobRow(db, ids.snooze)).toMatchObject({ state: "queued", claims: 1 });
    for (const id of [delayed, ids.later, ids.snooze]) expect(await minutesTo("soniq_jobs", "run_at", id)).toBe(30);
    const session = (await jobRow(db, ids.now))?.lastWorkerId as string;
    expect(await minutesTo("soniq_workers", "lease_expires_at", session)).toBe(10);
    expect(
      worker.events.filter(({ type }) => type === "error" || type === "session-lost" || type === "fenced"),
    ).toEqual([]);
    await sql`delete from soniq_jobs`;
  });
});

describe("when the database's clock jumps", () => {
  test("ahead, a live worker's job is taken from it and settled once", async () => {
    const [started, finish] = [gate(), gate()];
    let runs = 0;
    const job = defineJob({
      name: "ahead",
      queue: "ahead",
      payload: v.null(),
      result: v.number(),
      run: async () => {
        runs += 1;
        if (runs > 1) return runs;
        started.open();
        await finish.opened;
        return 1;
      },
    });
    const config = {
      connection: url,
      jobs: { job },
      handlers: {},
      queues: { ahead: { concurrency: 1 } },
      lease: "1h",
      pollInterval: "50ms",
    } as const;
    const first = await startWorker(config);
    const { id } = await enqueue(db, job, null);
    await started.opened;
    // To the rows it is as if two leases had passed.
    await sql`update soniq_workers set lease_expires_at = lease_expires_at - interval '2 hours'`;
    await sql`update soniq_jobs set deadline_at = deadline_at - interval '2 hours' where state = 'active'`;
    const second = await startWorker({ ...config, rescueInterval: "50ms" });
    await second.settled(id, "completed");
    finish.open();
    await first.event("fenced");
    expect(await jobRow(db, id)).toMatchObject({ state: "completed", result: 2, claims: 2 });
    expect([...first.events, ...second.events].filter(isSettled)).toHaveLength(1);
  });

  test("back, a lease lasts no longer than it should from the next beat on", async () => {
    await startWorker({ connection: url, jobs: {}, handlers: {}, queues: { back: { concurrency: 1 } }, lease: "2s" });
    const [session] = await sql<{ id: string }[]>`
      update soniq_workers set lease_expires_at = now() + interval '1 hour' where queues ? 'back' returning id`;
    const minutesLeft = () => minutesTo("soniq_workers", "lease_expires_at", session?.id as string);
    expect(await until(async () => (await minutesLeft()) === 0)).toBe(true);
  });

  test("back, jobs that are older now than those that ran before are found", async () => {
    const job = defineJob({ name: "older", queue: "older", payload: v.null(), run: () => {} });
    const queues = { older: { concurrency: 50 } };
    const worker = await startWorker({ connection: url, jobs: { job }, handlers: {}, queues, pollInterval: "50ms" });
    // As many as it takes for claims to start behind the first.
    const before = await enqueueMany(db, job, Array<null>(3_000).fill(null));
    await Promise.all(before.map(({ id }) => worker.settled(id, "completed")));
    const [row] = await sql<{ id: number }[]>`
      insert into soniq_jobs (name, queue, payload, run_at) values ('older', 'older', 'null', now() - interval '1 hour') returning id::int`;
    expect(await worker.settled(row?.id as number)).toMatchObject({ state: "completed" });
  });
});
