// Promise 10. All that a payload may be is in test/jobs.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { afterAll, describe, expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany, InvalidValueError } from "../../src/index.ts";
import { rescueOverdue } from "../../src/jobs/upkeep/rescue.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const invoice = defineJob({ name: "invoice", payload: v.object({ order: v.number() }), run: () => {} });

describe("a bad payload", () => {
  const statements: string[] = [];
  const client = postgres(url, { max: 1 });
  const watched = drizzle({ client, logger: { logQuery: (statement) => void statements.push(statement) } });
  afterAll(() => client.end());

  test.each([
    ["one that the validator refuses", { order: "7" }, "job invoice: payload.order is not valid"],
    ["one that JSON cannot carry", { order: NaN }, "job invoice: payload.order is NaN, which JSON cannot carry"],
    ["one that PostgreSQL cannot carry", { order: 7, note: "\0" }, "job invoice: payload.note has a NUL character"],
    ["none at all", undefined, "job invoice: payload is undefined"],
  ])("is a typed error before any SQL: %s", async (_, payload, message) => {
    statements.length = 0;
    const bad = payload as { order: number };
    const single = await enqueue(watched, invoice, bad).catch((error: unknown) => error);
    expect(single).toBeInstanceOf(InvalidValueError);
    expect((single as Error).message).toContain(message);
    const bulk = await enqueueMany(watched, invoice, [{ order: 1 }, bad]).catch((error: unknown) => error);
    expect(bulk).toBeInstanceOf(InvalidValueError);
    expect((bulk as Error).message).toContain(message.replace("payload", "payloads[1]"));
    expect(statements).toEqual([]);
  });

  test("leaves the transaction around it usable", async () => {
    const { id } = await db.transaction(async (tx) => {
      await enqueue(tx, invoice, { order: NaN }).catch(() => {});
      return enqueue(tx, invoice, { order: 1 });
    });
    expect(await jobRow(db, id)).toMatchObject({ state: "queued" });
  });
});

/** What a plain SQL insert can write, and what becomes of it. */
const badRows: [columns: string, values: string, ends: "dead" | "completed"][] = [
  ["payload", "'null'", "dead"],
  ["payload", `'{"order": "7"}'`, "dead"],
  ["payload", `('{"order": ' || repeat('[', 5000) || repeat(']', 5000) || '}')::jsonb`, "dead"],
  ["payload", "jsonb_build_object('order', repeat('x', 5000000))", "dead"],
  ["payload, errors", `'{"order": "7"}', '"no list"'`, "dead"],
  ["payload, tags", `'{"order": 7}', '"no list"'`, "completed"],
  ["payload, meta", `'{"order": 7}', 'null'`, "completed"],
  ["payload, max_attempts, attempt", `'{"order": 7}', -5, -7`, "completed"],
  ["payload, run_at", `'{"order": 7}', '-infinity'`, "completed"],
  ["payload, run_at", `'{"order": 7}', '0044-03-15 BC'`, "completed"],
  ["payload, claims, crashes", `'{"order": 7}', -1, 1000000`, "completed"],
  ["payload, unique_key", `'{"order": 7}', ''`, "completed"],
  // Of no worker: found by the look at all active jobs.
  ["payload, state", `'{"order": 7}', 'active'`, "completed"],
];

test("bad rows stop no others, and none of them stays active", async () => {
  const ends = new Map<number, string>();
  for (const [columns, values, end] of badRows) {
    const [row] = await sql.unsafe<{ id: string }[]>(
      `insert into soniq_jobs (name, ${columns}) values ('invoice', ${values}) returning id`,
    );
    ends.set(Number((row as { id: string }).id), end);
  }
  await sql`insert into soniq_jobs (name, payload) values ('', '7'), ('__proto__', '7'), (repeat('n', 10000), '7')`;
  const orders = Array.from({ length: 50 }, (_, order) => ({ order }));
  for (const { id } of await enqueueMany(db, invoice, orders)) ends.set(id, "completed");
  const worker = await startWorker({ connection: url, jobs: { invoice }, handlers: {}, pollInterval: "50ms" });
  await Promise.all([...ends].map(([id, end]) => worker.settled(id, end)));
  await until(async () => {
    const [left] = await sql`select from soniq_jobs where state = 'active' or claimed_at is null limit 1`;
    return !left;
  });
  const unknown = await sql`select distinct state, attempt from soniq_jobs where name <> 'invoice'`;
  expect([...unknown]).toEqual([{ state: "queued", attempt: 0 }]);
});

test("a bad row does not keep those beside it from being rescued", async () => {
  const session = await sessionOf(db);
  const rows = await sql<{ id: number }[]>`
    insert into soniq_jobs (name, payload, state, attempt, claims, worker_id, deadline_at, errors)
    select 'overdue', '7', 'active', 1, 1, ${session}, now() - interval '1 minute', errors::jsonb
    from unnest(array['{}', '"no list"', '7', 'null', '[]']) as errors returning id::int`;
  const rescued = await rescueOverdue(db, { limit: 100 });
  expect(rescued.map(({ id }) => id).toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
});

test("a finished row that cannot be deleted does not keep those beside it", async () => {
  await sql`delete from soniq_jobs`;
  await sql`
    insert into soniq_jobs (name, payload, state, finished_at)
    select 'old', to_jsonb(n), 'completed', now() - interval '1 month' from generate_series(1, 20) as n`;
  // A foreign key that cannot do what it says, and a trigger that refuses.
  await sql.unsafe(`
    create table orders (job_id bigint not null references soniq_jobs on delete set null);
    insert into orders select id from soniq_jobs where payload = '7';
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
    create trigger refuse before delete on soniq_jobs for each row when (old.payload = '13') execute function refuse()`);
  await startWorker({ connection: url, jobs: { invoice }, handlers: {} });
  const left = () => sql<{ n: number }[]>`select payload::int as n from soniq_jobs order by id`;
  const rest = await until(async () => {
    const rows = await left();
    return rows.length < 3 && rows.map(({ n }) => n);
  });
  expect(rest).toEqual([7, 13]);
});

test("whatever a handler throws or returns, the worker lives on", async () => {
  const revoked = () => {
    const { proxy, revoke } = Proxy.revocable(new Error("out of reach"), {});
    revoke();
    return proxy;
  };
  const odd = defineJob({
    name: "odd",
    payload: v.picklist(["throws", "returns"]),
    result: v.any(),
    maxAttempts: 1,
    run: (how) => {
      if (how === "throws") throw revoked();
      return revoked();
    },
  });
  const worker = await startWorker({ connection: url, jobs: { odd, invoice }, handlers: {}, pollInterval: "50ms" });
  const jobs = await enqueueMany(db, odd, ["throws", "returns"]);
  await Promise.all(jobs.map(({ id }) => worker.settled(id, "dead")));
  const { id } = await enqueue(db, invoice, { order: 1 });
  expect((await worker.settled(id)).state).toBe("completed");
});
