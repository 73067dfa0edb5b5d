// What a failover does that loses commits, played by plain SQL: ids and counts are given out a second time, and claims are
// undone of which the worker still knows. The same with real servers: test/chaos/scenarios/failover.ts.
import { integer, pgTable } from "drizzle-orm/pg-core";
import * as v from "valibot";
import { beforeAll, describe, expect, test } from "vitest";
import { defineJob, enqueue, type JobContext, type WorkerConfig } from "../../src/index.ts";
import { listWorkers } from "../../src/admin.ts";
import type { ClaimedJob } from "../../src/jobs/claim/claim.ts";
import { appendLogs } from "../../src/jobs/settle/append-logs.ts";
import { rescueFromEnded } from "../../src/jobs/upkeep/rescue.ts";
import { saveProgress } from "../../src/jobs/settle/save-progress.ts";
import { findCommittedSettlement, findEndedClaims } from "../../src/jobs/settle/find-ended-claims.ts";
import { expireSessions } from "../../src/sessions/end-sessions.ts";
import { beat, openSession } from "../../src/sessions/session.ts";
import { findTimeline } from "../../src/sessions/timeline.ts";
import { testDatabase } from "../support/database.ts";
import { gate, type Gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { claimAs, expireLease, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const effects = pgTable("effects", { n: integer("n") });
type Tx = Parameters<Parameters<(typeof db)["transaction"]>[0]>[0];
const completed = { kind: "completed", result: null } as const;
beforeAll(() => sql`create table effects (n int)`);

/** A worker whose runs of a job end when the test says so, each for itself. */
async function holding(queue: string, write: boolean, options: Partial<WorkerConfig> = {}) {
  const runs: { n: number; job: JobContext<Tx>; goOn: Gate }[] = [];
  const job = defineJob({ name: queue, queue, payload: v.number(), result: v.number() });
  const handlers = {
    job: async (n: number, context: JobContext<Tx>) => {
      const goOn = gate();
      runs.push({ n, job: context, goOn });
      await goOn.opened;
      if (!write) return n;
      return context.transaction(async (tx) => {
        await tx.insert(effects).values({ n });
        return n;
      });
    },
  };
  const worker = await startWorker({
    connection: url,
    jobs: { job },
    handlers,
    pollInterval: "50ms",
    lease: "1h",
    ...options,
  });
  const nth = async (i: number) => {
    await until(async () => runs.length > i);
    return runs[i] as (typeof runs)[number];
  };
  return { ...worker, job, nth, runs };
}

/** The job is lost, and its id is another one's now. */
async function reuseId(id: number, n: number): Promise<void> {
  await sql.begin((tx) => [
    tx`create temporary table lost on commit drop as select * from soniq_jobs where id = ${id}`,
    tx`delete from soniq_jobs where id = ${id}`,
    tx`insert into soniq_jobs (id, name, queue, payload) overriding system value select id, name, queue, to_jsonb(${n}::int) from lost`,
  ]);
}

/** The job is there, and was never claimed. */
async function undoClaim(id: number): Promise<void> {
  await sql`update soniq_jobs set state = 'queued', claims = 0, claim_token = 0, attempt = 0, worker_id = null, last_worker_id = null,
    claimed_at = null, deadline_at = null where id = ${id}`;
}

describe("a run whose job was lost, and whose job's id another job has now that the same session claimed,", () => {
  test("settles nothing: the other job has its own result", async () => {
    const { job, nth, event, settled } = await holding("reused", false);
    const { id } = await enqueue(db, job, 1);
    const lost = await nth(0);
    await reuseId(id, 2);
    const other = await nth(1);
    expect(other).toMatchObject({ n: 2, job: { id } });
    lost.goOn.open();
    await event("fenced");
    expect(await jobRow(db, id)).toMatchObject({ state: "active", payload: 2, claims: 1 });
    other.goOn.open();
    await settled(id, "completed");
    expect(await jobRow(db, id)).toMatchObject({ payload: 2, result: 2 });
  });

  test("writes nothing in its transaction, and the other's writes are committed", async () => {
    const { job, nth, event, settled } = await holding("booked", true);
    const { id } = await enqueue(db, job, 3);
    const lost = await nth(0);
    await reuseId(id, 4);
    const other = await nth(1);
    lost.goOn.open();
    await event("fenced");
    other.goOn.open();
    await settled(id, "completed");
    expect(await sql`select n from effects`).toEqual([{ n: 4 }]);
  });

  test("writes neither logs nor progress", async () => {
    const reports = defineJob({ name: "reports", queue: "reports", payload: v.number() });
    const { id } = await enqueue(db, reports, 1);
    const workerId = await sessionOf(db);
    const [lost] = (await claimAs(db, workerId, { queue: "reports" })) as [ClaimedJob];
    await reuseId(id, 2);
    const [other] = (await claimAs(db, workerId, { queue: "reports" })) as [ClaimedJob];
    const lines = ['{"afterUs":1,"message":"m"}'];
    expect(await appendLogs(db, [{ workerId, id, claimToken: lost.claimToken, lines }])).toEqual([]);
    expect(await saveProgress(db, workerId, lost, "1")).toBe("fenced");
    expect(await saveProgress(db, workerId, other, "2")).toBe("written");
    expect(await jobRow(db, id)).toMatchObject({ logs: [], progress: 2 });
  });
});

test("of two runs of a job whose claim was undone, the first is interrupted, and the second settles", async () => {
  const { job, nth, settled, events } = await holding("undone", false, { lease: "2s" });
  const { id } = await enqueue(db, job, 1);
  const first = await nth(0);
  await undoClaim(id);
  const second = await nth(1);
  await until(async () => first.job.signal.aborted);
  expect(first.job.signal.reason).toMatchObject({ message: "the job was taken from this worker" });
  expect(second.job.signal.aborted).toBe(false);
  first.goOn.open();
  second.goOn.open();
  await settled(id, "completed");
  expect(await jobRow(db, id)).toMatchObject({ state: "completed", claims: 1, attempt: 1, errors: [] });
  expect(events.filter((event) => "state" in event)).toHaveLength(1);
});

describe("a settle whose reply was lost, and whose job is gone,", () => {
  /** A claim whose job is gone. @param timeline of its session */
  async function goneClaim(timeline: string | null) {
    const gone = defineJob({ name: "gone", queue: "gone", payload: v.null() });
    const { id } = await enqueue(db, gone, null);
    const about = { host: "played by a test", pid: 0, version: "0", queues: {}, leaseMs: 60_000 };
    const session = await openSession(db, { ...about, timeline: await findTimeline(db) });
    const [claim] = (await claimAs(db, session, { queue: "gone" })) as [ClaimedJob];
    await sql`delete from soniq_jobs where id = ${id}`;
    if (timeline !== null) await sql`update soniq_workers set timeline = ${timeline} where id = ${session}`;
    return { claim, session };
  }

  test("has completed it, since only that deletes it", async () => {
    const { claim, session } = await goneClaim(null);
    const settlement = { ...claim, outcome: completed };
    expect([...(await findEndedClaims(db, session, [settlement])).values()]).toEqual(["completed"]);
    expect([...(await findCommittedSettlement(db, session, settlement)).values()]).toEqual(["completed"]);
  });

  test("is fenced if PostgreSQL has begun another timeline: the job was lost, then", async () => {
    const { claim, session } = await goneClaim("000000FF");
    const settlement = { ...claim, outcome: completed };
    expect([...(await findEndedClaims(db, session, [settlement])).values()]).toEqual([undefined]);
    expect([...(await findCommittedSettlement(db, session, settlement)).values()]).toEqual([undefined]);
  });

  test("is fenced if its session is lost, too", async () => {
    const { claim, session } = await goneClaim(null);
    await sql`delete from soniq_workers where id = ${session}`;
    const settlement = { ...claim, outcome: completed };
    expect([...(await findEndedClaims(db, session, [settlement])).values()]).toEqual([undefined]);
  });

  test("is fenced if it was to leave a job that stays", async () => {
    const { claim, session } = await goneClaim(null);
    const settlement = { ...claim, outcome: { kind: "snoozed", delayMs: 0 } } as const;
    expect([...(await findEndedClaims(db, session, [settlement])).values()]).toEqual([undefined]);
  });
});

describe("when PostgreSQL begins another timeline, a session", () => {
  const forget = (session: string) => sql`update soniq_workers set timeline = '000000FF' where id = ${session}`;

  test("ends with its next heartbeat: its runs are interrupted, and their jobs run again, at no cost", async () => {
    const { job, nth, event, settled, runs } = await holding("promoted", false, {
      lease: "2s",
      rescueInterval: "50ms",
    });
    const { id } = await enqueue(db, job, 1);
    const before = await nth(0);
    const session = (await jobRow(db, id))?.workerId as string;
    await forget(session);
    await event("session-lost");
    await until(async () => before.job.signal.aborted);
    expect((await event("rescued")).jobs).toMatchObject([{ id, state: "queued" }]);
    const after = await nth(1);
    before.goOn.open();
    after.goOn.open();
    await settled(id, "completed");
    const row = await jobRow(db, id);
    expect(row).toMatchObject({ state: "completed", crashes: 0, attempt: 1, errors: [] });
    expect(row?.lastWorkerId).not.toBe(session);
    expect(runs).toHaveLength(2);
    const ended = (await listWorkers(db)).find((worker) => worker.id === session);
    expect(ended).toMatchObject({ state: "ended", leaseLeftMs: expect.any(Number) });
  });

  test("whose lease ran out meanwhile ends without a crash, too", async () => {
    const timeline = await findTimeline(db);
    const about = { host: "played by a test", pid: 0, version: "0", queues: {}, leaseMs: 60_000, timeline };
    const [failedOver, dead] = [await openSession(db, about), await openSession(db, about)];
    const held = defineJob({ name: "expired", queue: "expired", payload: v.null() });
    const ids: number[] = [];
    for (const session of [failedOver, dead]) {
      ids.push((await enqueue(db, held, null)).id);
      await claimAs(db, session, { queue: "expired" });
      await expireLease(sql, session);
    }
    await forget(failedOver);
    expect((await expireSessions(db, timeline)).toSorted()).toEqual([failedOver, dead].toSorted());
    await rescueFromEnded(db, 5, { limit: 100 }, [failedOver, dead]);
    const rows = await Promise.all(ids.map((id) => jobRow(db, id)));
    expect(rows).toMatchObject([
      { state: "queued", crashes: 0, attempt: 0 },
      { state: "queued", crashes: 1, attempt: 0 },
    ]);
  });

  test("goes on where nobody may ask for the timeline", async () => {
    await sql`revoke execute on function pg_walfile_name(pg_lsn) from public`;
    await sql.unsafe(`
      create role of_few_rights login password 'few';
      grant select, insert, update, delete on all tables in schema public to of_few_rights`);
    const few = new URL(url);
    [few.username, few.password] = ["of_few_rights", "few"];
    try {
      const { job, nth, settled } = await holding("few", false, { connection: few.href, lease: "1s" });
      const { id } = await enqueue(db, job, 1);
      const { goOn } = await nth(0);
      const session = (await jobRow(db, id))?.workerId as string;
      expect(await sql`select timeline from soniq_workers where id = ${session}`).toEqual([{ timeline: null }]);
      const beatAt = async () =>
        (await sql`select beat_at::text as at from soniq_workers where id = ${session}`)[0]?.["at"];
      const first = await beatAt();
      await until(async () => (await beatAt()) !== first);
      goOn.open();
      expect(await settled(id, "completed")).toMatchObject({ job: { id } });
    } finally {
      await sql`grant execute on function pg_walfile_name(pg_lsn) to public`;
    }
  });

  test("that is beaten for without asking outlives it", async () => {
    const session = await sessionOf(db);
    expect(await beat(db, session, 60_000)).toBe(true);
    await forget(session);
    expect(await beat(db, session, 60_000)).toBe(true);
    expect(await beat(db, session, 60_000, await findTimeline(db))).toBe(false);
    expect(await beat(db, session, 60_000)).toBe(false);
  });
});
