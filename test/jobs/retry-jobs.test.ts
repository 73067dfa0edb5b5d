// A dead letter begins anew; what cannot is said, and holds up no other.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue } from "../../src/index.ts";
import { retryJobs } from "../../src/admin.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";
import { type JobRow, jobRow } from "../support/job-row.ts";
import { someoneWaits, transactionWith } from "../support/locks.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const mail = defineJob({ name: "mail", payload: v.strictObject({ to: v.string() }), unique: { by: ({ to }) => to } });

/** The dead letter of a mail. */
async function deadMail(to: string): Promise<number> {
  const [id] = await died(sql, [{ name: "mail", payload: { to }, uniqueKey: `mail:${to}` }]);
  return id as number;
}

const states = async (...ids: number[]) => Promise.all(ids.map(async (id) => (await jobRow(db, id))?.state));

test("a dead letter begins anew: with all its attempts, due at once, and with its history", async () => {
  const id = await deadMail("ada");
  await sql`update soniq_jobs set cancel_requested_at = now(), unknown_since = now(), run_at = now() - interval '1 hour',
    progress = '7' where id = ${id}`;
  const before = await jobRow(db, id);
  expect(await retryJobs(db, id)).toEqual({ retried: [id], refused: [] });
  const { runAt, ...after } = { ...(await jobRow(db, id)) };
  expect(runAt).toSatisfy((time: Date) => time > (before as JobRow & { finishedAt: Date }).finishedAt);
  expect({ ...after, runAt: null }).toEqual({
    ...before,
    state: "queued",
    runAt: null,
    attempt: 0,
    crashes: 0,
    unknownSince: null,
    cancelRequestedAt: null,
    uniqueHeld: true,
    finishedAt: null,
    progress: null,
    reason: null,
    manualRetries: 1,
  });
});

test("each retry is counted, and each life's errors are added to those before", async () => {
  let lives = 0;
  const fails = defineJob({
    name: "fails",
    payload: v.null(),
    maxAttempts: 2,
    backoff: () => 0,
    run: (_, { attempt }) => {
      if (attempt === 1) lives += 1;
      if (lives === 3) return;
      throw new Error(`life ${lives}, attempt ${attempt}`);
    },
  });
  const worker = await startWorker({ connection: url, jobs: { fails }, handlers: {}, pollInterval: "20ms" });
  const { id } = await enqueue(db, fails, null);
  for (const manualRetries of [1, 2]) {
    await until(async () => (await jobRow(db, id))?.state === "dead");
    expect(await retryJobs(db, id)).toEqual({ retried: [id], refused: [] });
    expect(await jobRow(db, id)).toMatchObject({ manualRetries });
  }
  await worker.settled(id, "completed");
  const said = ["life 1, attempt 1", "life 1, attempt 2", "life 2, attempt 1", "life 2, attempt 2"];
  expect(await jobRow(db, id)).toMatchObject({ errors: said.map((message) => ({ message })) });
});

test("workers that wait in their queues are woken up, once for each queue", async () => {
  const [session] = await sql`
    insert into soniq_workers (idle_queues, lease_expires_at) values ('["a", "b"]', now() + interval '1 hour') returning id`;
  const heard: string[] = [];
  const { unlisten } = await sql.listen("soniq_wake_up", (queue) => void heard.push(queue));
  const ids = await died(
    sql,
    ["a", "b", "nobody's", "a", "b"].map((queue) => ({ queue })),
  );
  expect((await retryJobs(db, ids)).refused).toEqual([]);
  await sql.notify("soniq_wake_up", "the end");
  await until(async () => heard.includes("the end"));
  await unlisten();
  await sql`delete from soniq_workers where id = ${session?.["id"] as string}`;
  expect(heard.toSorted()).toEqual(["a", "b", "the end"]);
});

test.each(["queued", "active", "completed", "cancelled"])("a job that is %s is left as it is", async (state) => {
  const { id } = await enqueue(db, mail, { to: state });
  const finishedAt = state === "completed" || state === "cancelled" ? new Date() : null;
  const workerId = state === "active" ? "11111111-1111-4111-8111-111111111111" : null;
  await sql`update soniq_jobs set state = ${state}, finished_at = ${finishedAt}, worker_id = ${workerId} where id = ${id}`;
  const before = await jobRow(db, id);
  expect(await retryJobs(db, id)).toEqual({ retried: [], refused: [{ id, reason: "not-a-dead-letter" }] });
  expect(await jobRow(db, id)).toEqual(before);
});

test("ids that nobody has, or that are none, are said, and hold up no other", async () => {
  const [id] = await died(sql, [{}]);
  const { retried, refused } = await retryJobs(db, [987_654_321, id as number, Number.NaN, 1.5, id as number]);
  expect(retried).toEqual([id]);
  expect(refused.map((refusal) => [refusal.id, refusal.reason])).toEqual([
    [Number.NaN, "not-a-dead-letter"],
    [1.5, "not-a-dead-letter"],
    [987_654_321, "not-a-dead-letter"],
  ]);
});

test("none are retried at once", async () => {
  expect(await retryJobs(db, [])).toEqual({ retried: [], refused: [] });
});

test("several thousand are retried, however many one statement takes", async () => {
  const ids = await died(
    sql,
    Array.from({ length: 2_500 }, () => ({ name: "many" })),
  );
  const { retried, refused } = await retryJobs(db, ids);
  expect(new Set(retried)).toEqual(new Set(ids));
  expect(refused).toEqual([]);
});

describe("a unique key", () => {
  test("is taken again: whoever enqueues it gets the retried job", async () => {
    const id = await deadMail("bob");
    await retryJobs(db, id);
    expect(await enqueue(db, mail, { to: "bob" })).toEqual({ id, name: "mail", deduplicated: true });
  });

  test("that another job has taken is a conflict which names that job, and the dead letter stays until it is free", async () => {
    const [id, other] = [await deadMail("cleo"), await deadMail("not cleo")];
    const holder = await enqueue(db, mail, { to: "cleo" });
    const before = await jobRow(db, id);
    expect(await retryJobs(db, [id, other])).toEqual({
      retried: [other],
      refused: [{ id, reason: "key-held", heldBy: holder.id }],
    });
    expect(await jobRow(db, id)).toEqual(before);
    await sql`update soniq_jobs set state = 'completed', finished_at = now(), unique_held = false where id = ${holder.id}`;
    expect(await retryJobs(db, id)).toEqual({ retried: [id], refused: [] });
  });

  test("of several dead letters is the first one's", async () => {
    const [first, second, third] = [await deadMail("dan"), await deadMail("dan"), await deadMail("dan")];
    expect(await retryJobs(db, [third, first, second])).toEqual({
      retried: [first],
      refused: [
        { id: third, reason: "key-held", heldBy: first },
        { id: second, reason: "key-held", heldBy: first },
      ],
    });
  });

  test("that one of them holds yet, past its death, is that one's", async () => {
    const [first, second] = [await deadMail("eve"), await deadMail("eve")];
    await sql`update soniq_jobs set unique_held = true, unique_expires_at = now() + interval '1 hour' where id = ${second}`;
    expect(await retryJobs(db, [first, second])).toEqual({
      retried: [second],
      refused: [{ id: first, reason: "key-held", heldBy: second }],
    });
  });

  test("that a finished job held past its end, and that has expired, is free", async () => {
    const [id, finished] = [await deadMail("finn"), await deadMail("finn")];
    await sql`update soniq_jobs set state = 'completed', unique_held = true, unique_expires_at = now() - interval '1 second' where id = ${finished}`;
    expect(await retryJobs(db, id)).toEqual({ retried: [id], refused: [] });
    expect(await jobRow(db, finished)).toMatchObject({ state: "completed", uniqueHeld: false });
  });

  test("that many processes want at the same time goes to one of them", async () => {
    const ids: number[] = [];
    for (let n = 0; n < 24; n += 1) ids.push(await deadMail("gus"));
    const answers = await Promise.all(ids.map((id) => retryJobs(db, id)));
    const retried = answers.flatMap((answer) => answer.retried);
    expect(retried).toHaveLength(1);
    const refused = answers.flatMap((answer) => answer.refused);
    expect(refused).toHaveLength(23);
    for (const refusal of refused) expect(refusal).toMatchObject({ reason: "key-held", heldBy: retried[0] });
  });

  test("that somebody's open transaction takes is waited for, and the others of the batch are retried", async () => {
    const ids = await died(
      sql,
      Array.from({ length: 20 }, () => ({ name: "beside" })),
    );
    const id = await deadMail("hal");
    const commit = await transactionWith(
      sql,
      "insert into soniq_jobs (name, payload, unique_key) values ('mail', '{}', 'mail:hal')",
    );
    const retrying = retryJobs(db, [...ids.slice(0, 10), id, ...ids.slice(10)]);
    await someoneWaits(sql);
    await commit();
    const { retried, refused } = await retrying;
    expect(new Set(retried)).toEqual(new Set(ids));
    expect(refused).toEqual([{ id, reason: "key-held", heldBy: expect.any(Number) }]);
  });
});

test("a key whose window is past is held by the job that begins anew, until it starts", async () => {
  const index = defineJob({
    name: "index",
    payload: v.strictObject({ page: v.string() }),
    unique: { by: ({ page }) => page, until: "started", within: "1m" },
  });
  const [id] = await died(sql, [{ name: "index", payload: { page: "home" }, uniqueKey: "index:home" }]);
  await sql`update soniq_jobs set unique_until = 'started', unique_expires_at = now() - interval '1 hour', claims = 1
    where id = ${id as number}`;
  await retryJobs(db, id as number);
  expect(await enqueue(db, index, { page: "home" })).toMatchObject({ id, deduplicated: true });
});

test("also a key whose window passes while the job that begins anew waits", async () => {
  const sync = defineJob({
    name: "sync",
    payload: v.strictObject({ page: v.string() }),
    unique: { by: ({ page }) => page, until: "started", within: "1m" },
  });
  const [id] = await died(sql, [{ name: "sync", payload: { page: "home" }, uniqueKey: "sync:home" }]);
  await sql`update soniq_jobs set unique_until = 'started', unique_expires_at = now() + interval '1 hour', claims = 1, claimed_at = now()
    where id = ${id as number}`;
  await retryJobs(db, id as number);
  await sql`update soniq_jobs set unique_expires_at = now() - interval '1 hour' where id = ${id as number}`;
  expect(await enqueue(db, sync, { page: "home" })).toMatchObject({ id, deduplicated: true });
});

test("one that another transaction has locked is said, and the others are retried", async () => {
  const [locked, free] = (await died(sql, [{}, {}])) as [number, number];
  const commit = await transactionWith(sql, `select from soniq_jobs where id = ${locked} for update`);
  expect(await retryJobs(db, [locked, free])).toEqual({
    retried: [free],
    refused: [{ id: locked, reason: "locked" }],
  });
  await commit();
  expect(await retryJobs(db, locked)).toEqual({ retried: [locked], refused: [] });
});

test("one that the database refuses is said with its error, and the others are retried", async () => {
  await sql`create function refuse() returns trigger language plpgsql as
    $$ begin if new.name = 'refused' then raise exception 'not this one'; end if; return new; end $$`;
  await sql`create trigger refuse before update on soniq_jobs for each row execute function refuse()`;
  const ids = await died(sql, [{}, {}, { name: "refused" }, {}]);
  const { retried, refused } = await retryJobs(db, ids);
  await sql`drop function refuse cascade`;
  expect(new Set(retried)).toEqual(new Set(ids.toSpliced(2, 1)));
  expect(refused).toMatchObject([{ id: ids[2], reason: "failed", error: { cause: { message: "not this one" } } }]);
});

describe("on a transaction", () => {
  test("jobs are retried if and only if it commits", async () => {
    const [id] = (await died(sql, [{}])) as [number];
    const rolledBack = db.transaction(async (tx) => {
      expect((await retryJobs(tx, id)).retried).toEqual([id]);
      tx.rollback();
    });
    await expect(rolledBack).rejects.toThrow("Rollback");
    expect(await states(id)).toEqual(["dead"]);
    await db.transaction((tx) => retryJobs(tx, id));
    expect(await states(id)).toEqual(["queued"]);
  });

  test("what is refused leaves it usable", async () => {
    const [taken, other] = [await deadMail("ida"), await deadMail("not ida")];
    const commit = await transactionWith(
      sql,
      "insert into soniq_jobs (name, payload, unique_key) values ('mail', '{}', 'mail:ida')",
    );
    const retrying = db.transaction(async (tx) => {
      const answer = await retryJobs(tx, [taken, other]);
      return { ...answer, after: await enqueue(tx, mail, { to: "later" }) };
    });
    await someoneWaits(sql);
    await commit();
    const { retried, refused, after } = await retrying;
    expect(retried).toEqual([other]);
    expect(refused).toMatchObject([{ id: taken, reason: "key-held" }]);
    expect(await states(other, after.id)).toEqual(["queued", "queued"]);
  });
});
