// How long finished jobs are kept. A worker prunes as it starts, and then every half minute.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue, type EnqueueOptions, type JobDefinition, type WorkerConfig } from "../../src/index.ts";
import { findErrorCode } from "../../src/core/errors.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { transactionWith } from "../support/locks.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const job = defineJob({ name: "work", payload: v.null(), run: () => {} });
const config = { connection: url, jobs: { job }, handlers: {} } satisfies WorkerConfig;

/** A job that finished so many hours ago. */
async function finished(state: string, hours: number): Promise<number> {
  const [row] = await sql<{ id: number }[]>`
    insert into soniq_jobs (name, payload, state, unique_held, finished_at)
    values ('work', 'null', ${state}, false, now() - ${hours} * interval '1 hour') returning id::int`;
  return row?.id as number;
}

const kept = async (...ids: (number | undefined)[]) => {
  const rows = await sql<
    { id: number }[]
  >`select id::int from soniq_jobs where id = any (${ids as number[]}) order by id`;
  return rows.map(({ id }) => id);
};

const byDefault = { completed: 24, cancelled: 24, dead: 30 * 24 };

/** Starts a worker, and waits until it has pruned all that is past the hours of its state, oldest first. */
async function pruned(hours?: typeof byDefault): Promise<void> {
  const youngest: number[] = [];
  for (const [state, retained] of Object.entries(hours ?? byDefault))
    youngest.push(await finished(state, retained + 0.01));
  const asDurations = ({ completed, cancelled, dead }: typeof byDefault) =>
    ({ completed: `${completed}h`, cancelled: `${cancelled}h`, dead: `${dead}h` }) as const;
  await startWorker({ ...config, ...(hours && { retention: asDurations(hours) }) });
  await until(async () => (await kept(...youngest)).length === 0);
}

describe("by default", () => {
  test.each(["completed", "cancelled"])("a job that is %s is kept for a day", async (state) => {
    const [young, old] = [await finished(state, 23.9), await finished(state, 24.1)];
    await pruned();
    expect(await kept(young, old)).toEqual([young]);
  });

  test("a dead letter is kept for thirty days", async () => {
    const [young, old] = [await finished("dead", 30 * 24 - 0.1), await finished("dead", 30 * 24 + 0.1)];
    await pruned();
    expect(await kept(young, old)).toEqual([young]);
  });

  test("a job that has not finished is kept, however old it is", async () => {
    const queued = await enqueue(db, job, null, { delay: "1h" });
    await sql`update soniq_jobs set created_at = now() - interval '10 years' where id = ${queued.id}`;
    await pruned();
    expect(await kept(queued.id)).toEqual([queued.id]);
  });
});

test("each state is kept for as long as the configuration says", async () => {
  const young = [await finished("completed", 1), await finished("cancelled", 2), await finished("dead", 3)];
  const old = [await finished("completed", 1.9), await finished("cancelled", 2.9), await finished("dead", 3.9)];
  await pruned({ completed: 1.5, cancelled: 2.5, dead: 3.5 });
  expect(await kept(...young, ...old)).toEqual(young);
});

test("what fills several batches is pruned at once", async () => {
  await sql`insert into soniq_jobs (name, payload, state, unique_held, finished_at)
    select 'many', 'null', 'completed', false, now() - interval '2 days' from generate_series(1, 2500)`;
  await pruned();
  expect(await sql`select from soniq_jobs where name = 'many'`).toHaveLength(0);
});

test("a key that is held past its job's end is spared until it expires", async () => {
  const [holds, held] = [await finished("completed", 48), await finished("completed", 48)];
  await sql`update soniq_jobs set unique_held = true, unique_key = id::text,
    unique_expires_at = now() + (case when id = ${holds} then 1 else -1 end) * interval '1 hour' where id in (${holds}, ${held})`;
  await pruned();
  expect(await kept(holds, held)).toEqual([holds]);
});

test("a row that somebody has locked is left for later, and does not hold up the others", async () => {
  const [locked, free] = [await finished("completed", 48), await finished("completed", 48)];
  const commit = await transactionWith(sql, `select from soniq_jobs where id = ${locked} for update`);
  await pruned();
  expect(await kept(locked, free)).toEqual([locked]);
  await commit();
  await pruned();
  expect(await kept(locked)).toEqual([]);
});

test("a worker that may delete nothing says so, and does not try it row by row", async () => {
  await finished("completed", 48);
  await sql.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin raise insufficient_privilege; end $$;
    create trigger refuse before delete on soniq_jobs for each row execute function refuse()`);
  const worker = await startWorker(config);
  const told = await worker.event("error", ({ operation }) => operation === "pruning completed jobs");
  expect(findErrorCode(told.error)).toBe("42501");
  await sql`drop function refuse cascade`;
});

describe("where a foreign key without an action references the jobs,", () => {
  test("the rows it holds on to are kept, and the rest of their batch is pruned", async () => {
    await sql`create table orders (job_id bigint references soniq_jobs)`;
    const jobs: number[] = [];
    for (let n = 0; n < 11; n += 1) jobs.push(await finished("completed", 48));
    const referenced = [jobs[0], jobs[4], jobs[10]] as number[];
    for (const id of referenced) await sql`insert into orders values (${id})`;
    await pruned();
    expect(await kept(...jobs)).toEqual(referenced);
    await sql`drop table orders`;
    await pruned();
    expect(await kept(...jobs)).toEqual([]);
  });

  test("no statement fails for them, and it is said once what holds them", async () => {
    await sql`create schema "other Schema"`;
    await sql`create table "other Schema"."Order" (id int, "jobId" bigint references soniq_jobs on delete restrict)`;
    const [first, free, last] = [
      await finished("completed", 48),
      await finished("dead", 1_000),
      await finished("completed", 49),
    ];
    await sql`insert into "other Schema"."Order" values (1, ${first as number}), (2, ${last as number})`;
    const { events, event } = await startWorker(config);
    const { error } = await event("error");
    expect((error as Error).message).toMatch(
      /^completed jobs past their retention are kept, because "other Schema"."Order"."jobId" references them: delete those rows, or give the foreign key an action/,
    );
    await until(async () => (await kept(free)).length === 0);
    expect(await kept(first, last)).toEqual([first, last]);
    expect(events.filter(({ type }) => type === "error")).toHaveLength(1);
    await sql`drop schema "other Schema" cascade`;
  });
});

describe("a definition that says for how long its jobs are kept", () => {
  const longer = defineJob({
    name: "longer",
    payload: v.null(),
    retention: { completed: "7d", dead: "90d" },
    run: () => {},
  });
  const shorter = defineJob({ name: "shorter", payload: v.null(), retention: { completed: "1h" }, run: () => {} });
  const jobs = { job, longer, shorter };

  async function finishedOf(name: string, state: string, hours: number): Promise<number> {
    const id = await finished(state, hours);
    await sql`update soniq_jobs set name = ${name} where id = ${id}`;
    return id;
  }

  test("is heeded, and the worker's retention is for the others, those of unknown names too", async () => {
    const young = [
      await finishedOf("longer", "completed", 7 * 24 - 0.1),
      await finishedOf("longer", "dead", 90 * 24 - 0.1),
      await finishedOf("longer", "cancelled", 23.9),
      await finishedOf("shorter", "completed", 0.9),
      await finishedOf("work", "completed", 23.9),
      await finishedOf("unheard of", "completed", 23.9),
    ];
    const old = [
      await finishedOf("longer", "completed", 7 * 24 + 0.1),
      await finishedOf("longer", "dead", 90 * 24 + 0.1),
      await finishedOf("longer", "cancelled", 24.1),
      await finishedOf("shorter", "completed", 1.1),
      await finishedOf("work", "completed", 24.1),
      await finishedOf("unheard of", "completed", 24.1),
    ];
    const { worker } = await startWorker({ ...config, jobs });
    await until(async () => (await kept(...old)).length === 0);
    await worker.stop();
    expect(await kept(...young)).toEqual(young);
  });

  test("keeps no other from being pruned that lies behind many of its jobs", async () => {
    await sql`insert into soniq_jobs (name, payload, state, unique_held, finished_at)
      select 'longer', 'null', 'completed', false, now() - interval '2 days' from generate_series(1, 12000)`;
    const behind = await finishedOf("work", "completed", 47);
    const { worker } = await startWorker({ ...config, jobs });
    await until(async () => (await kept(behind)).length === 0);
    await worker.stop();
    const left =
      await sql`delete from soniq_jobs where name = 'longer' and finished_at < now() - interval '47 hours' returning id`;
    expect(left.length).toBeGreaterThanOrEqual(12_000);
  });

  test("is kept although the worker deletes the others as they complete, and the other way around", async () => {
    const unkept = defineJob({ name: "unkept", payload: v.null(), retention: { completed: 0 }, run: () => {} });
    const writing = defineJob({
      name: "writing",
      payload: v.null(),
      retention: { completed: "7d" },
      run: (_, { transaction }) => transaction(async () => {}),
    });
    const ran = async (definition: JobDefinition<string, null>, retention?: { completed: 0 }) => {
      const { id } = await enqueue(db, definition, null);
      const { settled, worker } = await startWorker({
        ...config,
        jobs: { ...jobs, unkept, writing },
        ...(retention && { retention }),
      });
      await settled(id, "completed");
      await worker.stop();
      return kept(id).then(({ length }) => length > 0);
    };
    expect(await ran(longer, { completed: 0 })).toBe(true);
    expect(await ran(writing, { completed: 0 })).toBe(true);
    expect(await ran(job, { completed: 0 })).toBe(false);
    expect(await ran(unkept)).toBe(false);
    expect(await ran(job)).toBe(true);
  });

  test("says it in durations", () => {
    const badly = (retention: object) => () => defineJob({ name: "badly", payload: v.null(), retention });
    expect(badly({ completed: "7 days" })).toThrow(
      'job badly: retention.completed is "7 days", which is not a duration',
    );
    expect(badly({ dead: -1 })).toThrow("job badly: retention.dead is -1, which is not a duration");
  });
});

describe("completed jobs that are not kept at all", () => {
  /** Runs a job where completed ones are not kept. @returns its id, and the state it was left in */
  async function ran(where: TestDatabase, options?: EnqueueOptions, held = false) {
    const { id } = await enqueue(where.db, job, null, options);
    if (held) await where.sql`update soniq_jobs set unique_expires_at = now() + interval '1 hour' where id = ${id}`;
    const settings = { ...config, connection: where.url, retention: { completed: 0 } };
    const { settled, worker } = await startWorker(settings);
    const { state } = await settled(id);
    await worker.stop();
    return { id, state, settings };
  }

  test("are deleted as they are settled", async () => {
    const { id, state } = await ran({ db, url, sql });
    expect(state).toBe("completed");
    expect(await jobRow(db, id)).toBeUndefined();
  });

  test("are deleted with the key that they held", async () => {
    const { id } = await ran({ db, url, sql }, { uniqueKey: "k" });
    expect(await jobRow(db, id)).toBeUndefined();
  });

  test("are kept while they hold a key past their end", async () => {
    const { id, state } = await ran({ db, url, sql }, { uniqueKey: "longer" }, true);
    expect(state).toBe("completed");
    expect(await jobRow(db, id)).toMatchObject({ state: "completed", uniqueHeld: true, workerId: null });
  });

  test("leave those that did not complete", async () => {
    const fails = defineJob({
      name: "fails",
      payload: v.null(),
      run: (_, { discard }) => discard("on purpose"),
    });
    const { id } = await enqueue(db, fails, null);
    const { settled } = await startWorker({ ...config, jobs: { fails }, retention: { completed: 0 } });
    await settled(id, "dead");
    expect(await jobRow(db, id)).toMatchObject({ state: "dead" });
  });

  test("are settled where a foreign key references the jobs, and pruned soon", async () => {
    const referenced = await testDatabase();
    await referenced.sql`create table orders (job_id bigint references soniq_jobs)`;
    // From before it runs, or it might be pruned before the order is there.
    await referenced.sql`create function order_it() returns trigger language plpgsql as 'begin insert into orders values (new.id); return new; end'`;
    await referenced.sql`create trigger order_it after insert on soniq_jobs for each row execute function order_it()`;
    const { id, state, settings } = await ran(referenced);
    expect(state).toBe("completed");
    expect(await jobRow(referenced.db, id)).toMatchObject({ state: "completed", workerId: null });
    await referenced.sql`delete from orders`;
    await startWorker(settings);
    await until(async () => (await jobRow(referenced.db, id)) === undefined);
  });
});
