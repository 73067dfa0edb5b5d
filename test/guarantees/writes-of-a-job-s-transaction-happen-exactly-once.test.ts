// Promise 4. Under all faults together: test/chaos.
import { eq, sql as text } from "drizzle-orm";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { soniqJobs } from "../../schema/index.ts";
import {
  defineConfig,
  defineJob,
  enqueue,
  type JobContext,
  type TransactionOf,
  type WorkerConfig,
} from "../../src/index.ts";
import { rescueOverdue } from "../../src/jobs/upkeep/rescue.ts";
import { testDatabase } from "../support/database.ts";
import { createEffects, drivers, effects } from "../support/effects.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { networkTo } from "../support/network.ts";
import { testPglite } from "../support/pglite.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

/** Where jobs are, and how a worker gets there. */
interface Place {
  readonly db: PostgresJsDatabase;
  readonly settings: Pick<WorkerConfig, "connection" | "database">;
}
type Transaction = TransactionOf<ReturnType<(typeof drivers)[number][1]["openSlot"]>["db"]>;

/** Runs jobs there, each with a worker of its own. */
function runner({ db, settings: there }: Place) {
  let next = 0;
  /** @returns the job, and what it writes when it is done once */
  return async function run(
    handle: (job: JobContext<Transaction>, n: number) => Promise<string>,
    settings: { connection?: string; retention?: { completed: 0 } } = {},
  ) {
    const n = (next += 1);
    const queue = `queue-${n}`;
    const job = defineJob({ name: queue, queue, payload: v.number(), result: v.string(), backoff: () => 0 });
    const worker = await startWorker(
      defineConfig<{ job: typeof job }, Transaction>({
        ...there,
        jobs: { job },
        handlers: { job: (payload, context) => handle(context, payload) },
        pollInterval: "50ms",
        ...settings,
      }),
    );
    const { id } = await enqueue(db, job, n);
    const written = async () => {
      const rows = await db.select().from(effects).where(eq(effects.n, n));
      return rows.map((row) => row.n);
    };
    return { id, n, worker, written, row: () => jobRow(db, id) };
  };
}

const overNetwork = await Promise.all(
  drivers.map(async ([driver, database]) => {
    const { db, url, sql } = await testDatabase();
    await createEffects(sql);
    return [driver, { db, url, sql, run: runner({ db, settings: { connection: url, database } }) }] as const;
  }),
);
const { db: pglite, connection } = await testPglite();
const inProcess: Place = { db: pglite as unknown as PostgresJsDatabase, settings: { connection } };
const places = [...overNetwork, ["PGlite", { db: inProcess.db, run: runner(inProcess) }] as const];

describe.each(places)("on %s", (driver, { db, run }) => {
  test("what a handler writes is committed with the job's completion", async () => {
    const { id, n, worker, written, row } = await run((job, payload) =>
      job.transaction(async (tx) => {
        await tx.insert(effects).values({ n: job.id });
        await tx.update(effects).set({ n: payload }).where(eq(effects.n, job.id));
        return "done";
      }),
    );
    await worker.settled(id, "completed");
    expect(await row()).toMatchObject({ state: "completed", result: "done", claims: 1, workerId: null });
    expect(await written()).toEqual([n]);
    // By the very same transaction.
    const job = db
      .select({ xmin: text`xmin::text` })
      .from(soniqJobs)
      .where(eq(soniqJobs.id, id));
    const effect = db
      .select({ xmin: text`xmin::text` })
      .from(effects)
      .where(eq(effects.n, n));
    expect(await job).toEqual(await effect);
  });

  test("an attempt that throws leaves nothing, and the next one writes once", async () => {
    const { id, n, worker, written, row } = await run((job, payload) =>
      job.transaction(async (tx) => {
        await tx.insert(effects).values({ n: payload });
        if (job.attempt === 1) throw new Error("halfway");
        return "done";
      }),
    );
    await worker.settled(id, "completed");
    expect(await written()).toEqual([n]);
    expect(await row()).toMatchObject({ attempt: 2, errors: [{ message: "halfway" }] });
  });

  test("a job that was taken before its transaction began leaves nothing there: whoever has it now writes once", async () => {
    const [started, taken, refused] = [gate(), gate(), gate<unknown>()];
    const { id, n, worker, written, row } = await run(async (job, payload) => {
      started.open();
      await taken.opened;
      return job
        .transaction(async (tx) => {
          await tx.insert(effects).values({ n: payload });
          return "done";
        })
        .catch((error: unknown) => {
          refused.open(error);
          throw error;
        });
    });
    await started.opened;
    await takeAway(db, id);
    taken.open();
    expect(await refused.opened).toMatchObject({ message: expect.stringContaining("taken from this worker") });
    await worker.settled(id, "completed");
    expect(await written()).toEqual([n]);
    expect(await row()).toMatchObject({ claims: 2, attempt: 2 });
  });

  test("jobs that it enqueues exist if and only if it commits", async () => {
    const later = defineJob({ name: "later", queue: "nobody works it", payload: v.string() });
    const { id, worker } = await run((job) =>
      job.transaction(async (tx) => {
        await enqueue(tx, later, `${driver} ${job.attempt}`);
        if (job.attempt === 1) throw new Error("halfway");
        return "done";
      }),
    );
    await worker.settled(id, "completed");
    const left = await db.select({ payload: soniqJobs.payload }).from(soniqJobs).where(eq(soniqJobs.name, "later"));
    expect(left).toEqual([{ payload: `${driver} 2` }]);
  });

  test("a completed job that is not kept is deleted by its transaction", async () => {
    const { n, written, row } = await run(
      (job, payload) =>
        job.transaction(async (tx) => {
          await tx.insert(effects).values({ n: payload });
          return "done";
        }),
      { retention: { completed: 0 } },
    );
    await until(async () => !(await row()));
    expect(await written()).toEqual([n]);
  });

  test("a transaction that the handler did not wait for decides all the same", async () => {
    const returned = gate();
    const { id, n, worker, written, row } = await run(async (job, payload) => {
      void job.transaction(async (tx) => {
        await returned.opened;
        await tx.insert(effects).values({ n: payload });
        if (job.attempt === 1) throw new Error("unheard");
        return "done";
      });
      setImmediate(returned.open);
      return "too early";
    });
    await worker.settled(id, "completed");
    expect(await row()).toMatchObject({ result: "done", attempt: 2, errors: [{ message: "unheard" }] });
    expect(await written()).toEqual([n]);
  });
});

describe.each(overNetwork)("over a network, on %s", (_driver, { db, url, sql, run }) => {
  test("a job that is taken in the middle of its transaction leaves nothing there: whoever has it now writes once", async () => {
    const [wrote, taken] = [gate(), gate()];
    const { id, n, worker, written, row } = await run((job, payload) =>
      job.transaction(async (tx) => {
        await tx.insert(effects).values({ n: payload });
        wrote.open();
        await taken.opened;
        return "done";
      }),
    );
    await wrote.opened;
    await takeAway(db, id);
    taken.open();
    expect((await worker.event("fenced")).job.id).toBe(id);
    await worker.settled(id, "completed");
    expect(await written()).toEqual([n]);
    expect(await row()).toMatchObject({ claims: 2 });
  });

  test("a commit whose reply is lost is looked up: the handler goes on, and nothing is done again", async () => {
    const network = await networkTo(url);
    let after: string | undefined;
    let lost: Promise<void> | undefined;
    const { id, n, worker, written, row } = await run(
      async (job, payload) => {
        const result = await job.transaction(async (tx) => {
          await tx.insert(effects).values({ n: payload });
          lost = network.loseReplyTo("commit\0");
          return "done";
        });
        after = result;
        return result;
      },
      { connection: network.url },
    );
    await worker.settled(id, "completed");
    await lost;
    expect(after).toBe("done");
    expect(await row()).toMatchObject({ state: "completed", result: "done", claims: 1 });
    expect(await written()).toEqual([n]);
  });

  test("a commit that never arrived is none: the job runs again, and writes once", async () => {
    const network = await networkTo(url);
    let runs = 0;
    const { id, n, worker, written, row } = await run(
      async (job, payload) =>
        job.transaction(async (tx) => {
          runs += 1;
          await tx.insert(effects).values({ n: payload });
          if (runs === 1) void network.cutBefore("commit\0");
          return "done";
        }),
      { connection: network.url },
    );
    await worker.settled(id, "completed");
    expect(runs).toBe(2);
    expect(await written()).toEqual([n]);
    expect(await row()).toMatchObject({ attempt: 1, errors: [] });
  });

  test("nor is what a worker wrote whose backend dies before the commit", async () => {
    const { id, n, worker, written, row } = await run(async (job, payload) =>
      job.transaction(async (tx) => {
        await tx.insert(effects).values({ n: payload });
        if ((await jobRow(db, job.id))?.claims === 1)
          await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`;
        return "done";
      }),
    );
    await worker.settled(id, "completed");
    expect(await written()).toEqual([n]);
    expect(await row()).toMatchObject({ claims: 2, attempt: 1, errors: [] });
  });
});

/** As if the job's deadline had passed, and somebody had seen it. */
async function takeAway(db: PostgresJsDatabase, id: number): Promise<void> {
  await db
    .update(soniqJobs)
    .set({ deadlineAt: text`now() - interval '1 second'` })
    .where(eq(soniqJobs.id, id));
  await rescueOverdue(db, { limit: 10 });
}
