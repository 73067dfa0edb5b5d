// Two versions of an application side by side. New code on old tables: test/database/check-tables.test.ts; many that
// migrate at once: test/database/migrate.test.ts.
import { expect, test } from "vitest";
import * as v from "valibot";
import { errorCode } from "../../src/core/errors.ts";
import { cancel, defineJob, enqueue, enqueueMany, type WorkerEvent } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

/** Whether there was trouble but for the wait for the migration's own lock, which may be long on a busy machine. */
const isTrouble = (event: WorkerEvent) => event.type === "trouble" && errorCode(event.error) !== "55P03";

test("jobs of a new name reach the workers that know it, whoever claims them first, and cost no attempt on the way", async () => {
  const ran: string[] = [];
  const settings = { queue: "deploy", payload: v.number(), maxAttempts: 1 };
  const known = defineJob({ ...settings, name: "known", run: (n) => void ran.push(`known ${n}`) });
  const added = defineJob({ ...settings, name: "added", run: (n) => void ran.push(`added ${n}`) });
  const removed = defineJob({ ...settings, name: "removed", run: (n) => void ran.push(`removed ${n}`) });
  const config = { connection: url, handlers: {}, queues: { deploy: { concurrency: 3 } }, poll: "50ms" } as const;
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
    poll: "50ms",
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
  expect(await cancel(db, cancelled)).toBe("cancelled");
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
