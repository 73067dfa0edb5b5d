// An outcome is given up only if PostgreSQL refuses it and at the same time accepts one that says less of the same job.
import { afterEach, describe, expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, type WorkerEvent } from "../../src/index.ts";
import { findErrorCode } from "../../src/core/errors.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { type ObservedWorker, startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** A role that may do what workers do, and is no superuser, whom no revoke concerns. */
const role = `worker_${new URL(url).pathname.slice(1)}`;
await sql.unsafe(`
  create role ${role} login password 'secret';
  grant select, insert, update, delete on all tables in schema public to ${role};
  grant usage, select on all sequences in schema public to ${role}`);
const roleUrl = Object.assign(new URL(url), { username: role, password: "secret" }).href;

afterEach(async () => {
  await sql.unsafe(`
    drop trigger if exists refuse on soniq_jobs;
    alter table soniq_jobs disable row level security;
    grant update on soniq_jobs to ${role}`);
});

const ends = ["completed", "retried", "snoozed", "transaction"] as const;
type End = (typeof ends)[number];

/** A worker whose jobs end in each of these ways, all when the test says so. */
async function together(queue: string, which: readonly End[] = ends) {
  const [started, finish] = [gate(), gate()];
  let running = 0;
  const job = defineJob({
    name: queue,
    queue,
    payload: v.picklist(ends),
    result: v.any(),
    backoff: () => "1h",
    run: async (end, { snooze, transaction }) => {
      running += 1;
      if (running === which.length) started.open();
      await finish.opened;
      if (end === "retried") throw new Error("smtp is away");
      if (end === "snoozed") return snooze("1h");
      if (end === "transaction") return transaction(async () => ({ charged: 43 }));
      return { charged: 42 };
    },
  });
  const ids = new Map<End, number>();
  for (const end of which) ids.set(end, (await enqueue(db, job, end, { maxAttempts: 10 })).id);
  const worker = await startWorker({
    connection: roleUrl,
    jobs: { job },
    handlers: {},
    queues: { [queue]: { concurrency: which.length } },
    pollInterval: "50ms",
  });
  await started.opened;
  return { ...worker, finish, id: (end: End) => ids.get(end) as number, ids: [...ids.values()] };
}

/** Resolves when the worker has said that it keeps an outcome which was refused. */
function kept({ event }: Pick<ObservedWorker, "event">) {
  return event("error", ({ operation }) => /^settling job \d+.*: its outcome is kept and retried$/.test(operation));
}

const refuse = (body: string, condition = "true") =>
  sql.unsafe(`
    create or replace function refuse() returns trigger language plpgsql as $$ begin ${body}; end $$;
    create trigger refuse before update on soniq_jobs for each row when (${condition}) execute function refuse()`);

async function expectTheirOwnEnds({ id, settled }: Awaited<ReturnType<typeof together>>) {
  await settled(id("completed"), "completed");
  await settled(id("retried"), "queued");
  await settled(id("snoozed"), "queued");
  expect(await jobRow(db, id("completed"))).toMatchObject({ state: "completed", result: { charged: 42 }, attempt: 1 });
  expect((await jobRow(db, id("retried")))?.errors).toMatchObject([{ message: "smtp is away" }]);
  expect(await jobRow(db, id("snoozed"))).toMatchObject({ state: "queued", attempt: 0, reason: null });
}

describe("while PostgreSQL refuses every change, outcomes are kept:", () => {
  test("the right to update was revoked", async () => {
    const worker = await together("revoked");
    await sql.unsafe(`revoke update on soniq_jobs from ${role}`);
    worker.finish.open();
    await kept(worker);
    await sql.unsafe(`grant update on soniq_jobs to ${role}`);
    await expectTheirOwnEnds(worker);
    // Nothing of its transaction is there: the attempt has failed, and is to be made again.
    await worker.settled(worker.id("transaction"), "queued");
    expect((await jobRow(db, worker.id("transaction")))?.errors).toMatchObject([{ code: "42501" }]);
  });

  test.each([
    ["PostgreSQL assigns no transaction ids any more", "54000"],
    ["with a code that nobody has thought of", "ZX001"],
    ["with the code of a constraint", "23514"],
  ])("%s", async (name, code) => {
    const worker = await together(`refused with ${code}: ${name}`, ["completed", "retried", "snoozed"]);
    await refuse(`raise exception 'not now' using errcode = '${code}'`);
    worker.finish.open();
    expect(findErrorCode((await kept(worker)).error)).toBe(code);
    await sql.unsafe("drop trigger refuse on soniq_jobs");
    await expectTheirOwnEnds(worker);
  });
});

describe("a refusal that ends between two tries makes no dead letter:", () => {
  // No transaction takes back what a sequence has counted.
  test.each([1, 2, 3, 4, 5, 6])("after %i of them", async (times) => {
    const worker = await together(`refused ${times} times`, ["completed"]);
    await sql`create sequence refusals`;
    await sql.unsafe(`grant usage on sequence refusals to ${role}`);
    await refuse(`if nextval('refusals') <= ${times} then raise exception 'not yet'; end if; return new`);
    worker.finish.open();
    expect((await worker.settled(worker.id("completed"))).state).toBe("completed");
    expect(await jobRow(db, worker.id("completed"))).toMatchObject({ result: { charged: 42 }, reason: null });
    await sql`drop sequence refusals`;
  });
});

test("a row that may not be changed at all stays active, is named, holds up no other, and is settled when it may be", async () => {
  const worker = await together("never", ["completed", "retried", "snoozed"]);
  const never = worker.id("completed");
  await refuse("raise exception 'never'", `old.id = ${never}`);
  worker.finish.open();
  await worker.settled(worker.id("retried"), "queued");
  await worker.settled(worker.id("snoozed"), "queued");
  expect((await kept(worker)).operation).toContain(`job ${never}`);
  expect(await jobRow(db, never)).toMatchObject({ state: "active" });
  await sql.unsafe("drop trigger refuse on soniq_jobs");
  await worker.settled(never, "completed");
});

test("a worker that stops does not wait for a row that has been refused for long", async () => {
  const worker = await together("stopping", ["completed"]);
  await refuse("raise exception 'never'", `old.id = ${worker.id("completed")}`);
  worker.finish.open();
  const { operation } = await kept(worker);
  // Later and later: the fourth line comes after more than five seconds.
  const isSaid = (event: WorkerEvent) => event.type === "error" && event.operation === operation;
  await until(async () => worker.events.filter(isSaid).length >= 4);
  await worker.worker.stop({ timeout: "10m" });
  expect(worker.events).toContainEqual(
    expect.objectContaining({ operation: `settling job ${worker.id("completed")}: it is left to be rescued` }),
  );
});

test("a policy that refuses one row only is no missing right: that job dies, and the others are settled", async () => {
  const worker = await together("policy", ["completed", "retried", "snoozed"]);
  await sql.unsafe(`
    alter table soniq_jobs enable row level security;
    create policy see on soniq_jobs using (true) with check (state <> 'completed' or queue <> 'policy')`);
  worker.finish.open();
  await worker.settled(worker.id("completed"), "dead");
  await worker.settled(worker.id("retried"), "queued");
  await worker.settled(worker.id("snoozed"), "queued");
  expect((await jobRow(db, worker.id("completed")))?.reason).toMatch(/^its outcome could not be stored: .*policy/);
});

test("an attempt whose error cannot be stored is tried again all the same", async () => {
  const worker = await together("error", ["retried"]);
  await refuse("raise exception 'no smtp here'", "new.errors::text like '%smtp is away%'");
  worker.finish.open();
  await worker.settled(worker.id("retried"), "queued");
  expect((await jobRow(db, worker.id("retried")))?.errors).toMatchObject([
    { message: "its outcome could not be stored: no smtp here", attempt: 1 },
  ]);
});
