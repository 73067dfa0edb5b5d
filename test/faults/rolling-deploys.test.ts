// Two versions of an application side by side. New code on old tables: test/database/check-tables.test.ts; many that
// migrate at once: test/database/migrate.test.ts.
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { findErrorCode } from "../../src/core/errors.ts";
import {
  cancelJob,
  defineJob,
  type Duration,
  enqueue,
  enqueueMany,
  InvalidValueError,
  type WorkerEvent,
} from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** Whether there was trouble but for the wait for the migration's own lock, which may be long on a busy machine. */
const isTrouble = (event: WorkerEvent) => event.type === "error" && findErrorCode(event.error) !== "55P03";

test("jobs of a new name reach the workers that know it, whoever claims them first, and cost no attempt on the way", async () => {
  const ran: string[] = [];
  const settings = { queue: "deploy", payload: v.number(), maxAttempts: 1 };
  const known = defineJob({ ...settings, name: "known", run: (n) => void ran.push(`known ${n}`) });
  const added = defineJob({ ...settings, name: "added", run: (n) => void ran.push(`added ${n}`) });
  const removed = defineJob({ ...settings, name: "removed", run: (n) => void ran.push(`removed ${n}`) });
  const config = {
    connection: url,
    handlers: {},
    queues: { deploy: { concurrency: 3 } },
    pollInterval: "50ms",
  } as const;
  const numbers = Array.from({ length: 30 }, (_, n) => n);
  await startWorker({ ...config, jobs: { known, removed } });
  const enqueued = [
    ...(await enqueueMany(db, added, numbers)),
    ...(await enqueueMany(db, known, numbers)),
    ...(await enqueueMany(db, removed, numbers)),
  ];
  // The old one has met the new names before the new one comes.
  await until(async () => {
    const [met] = await sql`select from soniq_jobs where unknown_since is not null limit 1`;
    return met !== undefined;
  });
  await startWorker({ ...config, jobs: { known, added } });
  const all = [...(await enqueueMany(db, added, numbers)), ...(await enqueueMany(db, removed, numbers)), ...enqueued];
  expect(all).toHaveLength(5 * numbers.length);
  await until(async () => {
    // Those that the wrong one met need not wait for longer and longer here.
    await sql`update soniq_jobs set run_at = now() where queue = 'deploy' and state = 'queued' and run_at > now()`;
    const [left] = await sql`select from soniq_jobs where queue = 'deploy' and state in ('queued', 'active') limit 1`;
    return !left;
  });
  expect(ran.toSorted()).toEqual(
    ["added", "added", "known", "removed", "removed"].flatMap((name) => numbers.map((n) => `${name} ${n}`)).toSorted(),
  );
  const ends =
    await sql`select distinct state, attempt, crashes, errors, unknown_since from soniq_jobs where queue = 'deploy'`;
  expect([...ends]).toEqual([{ state: "completed", attempt: 1, crashes: 0, errors: [], unknown_since: null }]);
});

/** A version of the application's code: what its payload is, and what it says of those it runs. */
const versionOf = (queue: string, payload: v.GenericSchema, ran: string[], says: string) =>
  defineJob({
    name: "welcome",
    queue,
    payload,
    maxAttempts: 1,
    run: (given) => void ran.push(`${says} ${JSON.stringify(given)}`),
  });

test("a payload of a new shape reaches the workers that take it, and costs no attempt on the way", async () => {
  const ran: string[] = [];
  const config = {
    connection: url,
    handlers: {},
    queues: { shapes: { concurrency: 1 } },
    pollInterval: "50ms",
  } as const;
  const old = versionOf("shapes", v.strictObject({ name: v.string() }), ran, "old");
  const next = versionOf("shapes", v.strictObject({ name: v.string(), email: v.string() }), ran, "new");
  const first = await startWorker({ ...config, jobs: { job: old } });
  const second = await startWorker({ ...config, jobs: { job: next } });
  const { id } = await enqueue(db, next, { name: "Ada", email: "ada@example.org" });
  const { id: of } = await enqueue(db, old, { name: "Bob" });
  await until(async () => {
    await sql`update soniq_jobs set run_at = now() where queue = 'shapes' and state = 'queued' and run_at > now()`;
    const [left] = await sql`select from soniq_jobs where queue = 'shapes' and state in ('queued', 'active') limit 1`;
    return !left;
  });
  expect(ran.toSorted()).toEqual(['new {"name":"Ada","email":"ada@example.org"}', 'old {"name":"Bob"}']);
  const ends =
    await sql`select distinct state, attempt, crashes, errors, unknown_since from soniq_jobs where id in (${id}, ${of})`;
  expect([...ends]).toEqual([{ state: "completed", attempt: 1, crashes: 0, errors: [], unknown_since: null }]);
  expect([...first.events, ...second.events].filter(isTrouble)).toEqual([]);
});

describe("a payload that is refused", () => {
  let count = 0;
  /** What becomes of it at a worker's, where these others live. */
  async function refused(
    others: (queue: string, job: ReturnType<typeof versionOf>) => Promise<unknown>,
    unknownJobGrace: Duration = "10m",
  ) {
    const queue = `refused-${(count += 1)}`;
    const job = versionOf(queue, v.object({ name: v.string() }), [], "old");
    const config = { connection: url, jobs: { job }, handlers: {}, pollInterval: "50ms", unknownJobGrace } as const;
    await others(queue, job);
    const worker = await startWorker({ ...config, queues: { [queue]: { concurrency: 1 } } });
    const [row] =
      await sql`insert into soniq_jobs (queue, name, payload) values (${queue}, 'welcome', '7') returning id`;
    const id = Number((row as { id: string }).id);
    return { id, event: await worker.settled(id), row: () => jobRow(db, id), worker };
  }
  const other = (queue: string, code: string | null, more: { lease?: string; ended?: boolean } = {}) =>
    sql`insert into soniq_workers (queues, code, lease_expires_at, ended_at)
      values (${sql.json({ [queue]: 1 })}, ${code}, now() + ${more.lease ?? "1 hour"}::text::interval, ${more.ended ? sql`now()` : null})`;

  test.each<[where: string, others: Parameters<typeof refused>[0]]>([
    ["by the only worker there is", async () => {}],
    [
      "where all others run the same code",
      async (queue, job) =>
        startWorker({
          connection: url,
          jobs: { job },
          handlers: {},
          queues: { [queue]: { concurrency: 1 } },
          pollInterval: "1h",
        }),
    ],
    ["where other code works other queues only", (queue) => other(`${queue}-other`, "other")],
    ["where other code has ended", (queue) => other(queue, "other", { ended: true })],
    ["where other code is dead", (queue) => other(queue, "other", { lease: "-1 second" })],
  ])("%s is a dead letter at once", async (_, others) => {
    const { event, row } = await refused(others);
    expect(event).toMatchObject({ type: "dead", error: { name: "InvalidValueError" } });
    expect(await row()).toMatchObject({
      state: "dead",
      attempt: 1,
      reason: expect.stringMatching(/^invalid payload: payload/),
      errors: [{ name: "InvalidValueError" }],
    });
  });

  test.each<[string, string | null]>([
    ["other code", "other"],
    ["a package that does not say which code", null],
  ])("where %s works its queue waits for that, and is dead when its grace is over", async (_, code) => {
    const { id, event, row, worker } = await refused((queue) => other(queue, code));
    expect(event).toMatchObject({ type: "unknown", state: "queued", error: { name: "InvalidValueError" } });
    expect(await row()).toMatchObject({ attempt: 0, errors: [], reason: null, unknownSince: expect.any(Date) });
    await sql`update soniq_jobs set unknown_since = now() - interval '11 minutes', run_at = now() where id = ${id}`;
    await worker.settled(id, "dead");
    expect(await row()).toMatchObject({ attempt: 1, reason: expect.stringMatching(/^invalid payload: payload/) });
  });
});

test("an error of this package's that a validator throws is a failure as any other, and not a refusal", async () => {
  const payload = v.pipe(
    v.number(),
    v.transform(() => {
      throw new InvalidValueError("another", "is not valid");
    }),
  );
  const job = defineJob({ name: "throws", queue: "throws", payload, backoff: () => 3_600_000, run: () => {} });
  const { settled } = await startWorker({ connection: url, jobs: { job }, handlers: {} });
  const [row] = await sql`insert into soniq_jobs (queue, name, payload) values ('throws', 'throws', '7') returning id`;
  expect(await settled(Number((row as { id: string }).id))).toMatchObject({ type: "retried" });
});

test("the tables of a newer version are good to an older one, also while it works", async () => {
  const [started, goOn] = [gate(), gate()];
  const job = defineJob({
    name: "during",
    queue: "during",
    payload: v.string(),
    result: v.string(),
    unique: { by: (word) => word },
    backoff: () => 0,
    run: async (word, { attempt }) => {
      if (word === "open") {
        started.open();
        await goOn.opened;
      }
      if (word === "fails" && attempt === 1) throw new Error("once");
      return word;
    },
  });
  const worker = await startWorker({
    connection: url,
    jobs: { job },
    handlers: {},
    pollInterval: "50ms",
    retention: { completed: 0 },
  });
  const before = [await enqueue(db, job, "open"), await enqueue(db, job, "fails")];
  await started.opened;
  await sql.unsafe(`
    alter table soniq_jobs add column newer text, add column newest integer not null default 7;
    alter table soniq_workers add column region text;
    create index soniq_jobs_newer on soniq_jobs (newer) where state = 'queued';
    create table soniq_newer (id bigint primary key)`);
  goOn.open();
  const after = [await enqueue(db, job, "single"), ...(await enqueueMany(db, job, ["one of", "many", "single"]))];
  const { id: cancelled } = await enqueue(db, job, "cancelled", { delay: "1h" });
  expect(await cancelJob(db, cancelled)).toBe("cancelled");
  await Promise.all([...before, ...after].map(({ id }) => worker.settled(id, "completed")));
  const second = await startWorker({
    connection: url,
    jobs: { job },
    handlers: {},
    queues: { second: { concurrency: 1 } },
  });
  expect(await second.settled((await enqueue(db, job, "second", { queue: "second" })).id)).toMatchObject({
    state: "completed",
  });
  expect(await jobRow(db, cancelled)).toMatchObject({ state: "cancelled" });
  expect([...worker.events, ...second.events].filter(isTrouble)).toEqual([]);
});
