// Jobs that are set aside until they are freed.
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";
import { cancelJob, defineJob, enqueue } from "../../src/index.ts";
import { Park } from "../../src/jobs/definition/directives.ts";
import { unpark, park } from "../../src/jobs/control/park.ts";
import { settle } from "../../src/jobs/settle/settle.ts";
import { testDatabase } from "../support/database.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { startWorker } from "../support/worker.ts";
import { noRefusal, refuseSome } from "../support/refusals.ts";

const { db, url, sql } = await testDatabase();
const job = defineJob({ name: "job", payload: v.number() });
const worker = await sessionOf(db);

beforeEach(() => sql`delete from soniq_jobs`);

const enqueued = async (...payloads: number[]) => {
  const ids: number[] = [];
  for (const payload of payloads) ids.push((await enqueue(db, job, payload)).id);
  return ids;
};
const claimed = async () => (await claimAs(db, worker)).map(({ id }) => id);
const isParked = async (id: number) =>
  (await sql`select from soniq_jobs where id = ${id} and run_at = 'infinity' and state = 'queued'`).length > 0;

test("a parked job is not claimed until it is freed, and then in its old order", async () => {
  const [first, second, third] = (await enqueued(1, 2, 3)) as [number, number, number];
  await park(db, [second, first], noRefusal);
  expect(await claimed()).toEqual([third]);
  await unpark(db, [second, first], noRefusal);
  expect(await claimed()).toEqual([first, second]);
});

test("a job that is due later can be parked, too, and is due at once when it is freed", async () => {
  const { id } = await enqueue(db, job, 1, { delay: "1h" });
  await park(db, [id], noRefusal);
  expect(await isParked(id)).toBe(true);
  await unpark(db, [id], noRefusal);
  expect(await claimed()).toEqual([id]);
});

test("freeing what is not parked changes nothing: a job that waits for its backoff goes on waiting", async () => {
  const { id } = await enqueue(db, job, 1, { delay: "1h" });
  await unpark(db, [id], noRefusal);
  expect(await claimed()).toEqual([]);
});

test("a parked job can be cancelled", async () => {
  const [id] = (await enqueued(1)) as [number];
  await park(db, [id], noRefusal);
  expect(await cancelJob(db, id)).toBe("cancelled");
});

describe("a job is left as it is", () => {
  test("that is active, though it is to be parked", async () => {
    const [id] = (await enqueued(1)) as [number];
    const [held] = await claimAs(db, worker);
    await park(db, [id], noRefusal);
    expect(await isParked(id)).toBe(false);
    expect(await settle(db, worker, [{ ...held!, outcome: { kind: "completed", result: null } }])).toHaveLength(1);
  });

  test("that somebody has locked, and the others are parked", async () => {
    const [locked, other] = (await enqueued(1, 2)) as [number, number];
    await sql.begin(async (tx) => {
      await tx`select from soniq_jobs where id = ${locked} for update`;
      await park(db, [locked, other], noRefusal);
    });
    expect([await isParked(locked), await isParked(other)]).toEqual([false, true]);
  });
});

test("a handler of ours may have its job parked: that costs no attempt", async () => {
  const parking = defineJob({ name: "parking", payload: v.null(), run: () => new Park() });
  const { id } = await enqueue(db, parking, null);
  const observed = await startWorker({ connection: url, jobs: { parking }, handlers: {} });
  expect((await observed.settled(id)).outcome).toEqual({ kind: "parked" });
  expect(await isParked(id)).toBe(true);
  expect(await sql`select attempt, claims from soniq_jobs where id = ${id}`).toEqual([{ attempt: 0, claims: 1 }]);
});

test("one that PostgreSQL refuses to change is said, and the others are parked and freed", async () => {
  const rows =
    await sql`insert into soniq_jobs (name, payload) select 'x', case when n = 3 then '"refused"' else '1' end::jsonb
    from generate_series(1, 20) n returning id::int`;
  const ids = rows.map(({ id }) => id as number);
  const others = ids.filter((_, i) => i !== 2);
  const refused: number[] = [];
  const accept = await refuseSome(sql);
  expect(await park(db, ids, (id) => refused.push(id))).toEqual(others);
  expect(await unpark(db, ids, (id) => refused.push(id))).toEqual(others);
  await accept();
  expect(refused).toEqual([ids[2]]);
});
