// Jobs that a worker holds without knowing, because the reply to its claim never came. Also in promise 2.
import { expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, type WorkerConfig } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { transactionWith } from "../support/locks.ts";
import { until } from "../support/until.ts";
import { type ObservedWorker, startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

function workOn(queue: string, run: () => unknown = () => {}) {
  const job = defineJob({ name: queue, queue, payload: v.null(), run: async () => void (await run()) });
  const config: WorkerConfig = {
    connection: url,
    jobs: { job },
    handlers: {},
    queues: { [queue]: { concurrency: 2 } },
    lease: "3s",
    pollInterval: "50ms",
  };
  return { job, config };
}

const sessionIn = (queue: string) =>
  until(async () => {
    const [row] = await sql<
      { id: string }[]
    >`select id from soniq_workers where ended_at is null and queues ? ${queue}`;
    return row?.id;
  });

/** A job that is the worker's, by a claim whose reply was lost a minute ago. */
async function losing(queue: string): Promise<number> {
  const session = await sessionIn(queue);
  const [row] = await sql<{ id: number }[]>`
    insert into soniq_jobs (name, queue, payload, state, claims, attempt, worker_id, last_worker_id, claimed_at, deadline_at)
    values (${queue}, ${queue}, 'null', 'active', 1, 1, ${session}, ${session}, now() - interval '1 minute', now() + interval '1 hour')
    returning id::int`;
  return (row as { id: number }).id;
}

/** Makes the worker's next claims fail. */
async function failClaims(worker: ObservedWorker): Promise<void> {
  const release = await transactionWith(sql, "lock table soniq_jobs in access exclusive mode");
  await worker.event("error", ({ operation }) => operation.startsWith("claiming from"));
  await release();
}

test("are given back after a claim has failed, at no cost, and run", async () => {
  const worker = await startWorker(workOn("lost").config);
  const id = await losing("lost");
  await failClaims(worker);
  await worker.settled(id, "completed");
  expect(await jobRow(db, id)).toMatchObject({ claims: 2, attempt: 1, crashes: 0, errors: [] });
});

test("are told apart from those that the worker runs, however long", async () => {
  const [started, finish] = [gate(), gate()];
  const { job, config } = workOn("known", () => {
    started.open();
    return finish.opened;
  });
  const worker = await startWorker(config);
  const { id: known } = await enqueue(db, job, null);
  await started.opened;
  await sql`update soniq_jobs set claimed_at = now() - interval '1 hour' where id = ${known}`;
  const lost = await losing("known");
  await failClaims(worker);
  await until(async () => ((await jobRow(db, lost))?.claims as number) > 1);
  expect(await jobRow(db, known)).toMatchObject({ state: "active", claims: 1 });
  finish.open();
  await Promise.all([worker.settled(known, "completed"), worker.settled(lost, "completed")]);
});

test("are left alone while the reply may be on its way yet", async () => {
  const worker = await startWorker(workOn("late").config);
  const [old, late] = [await losing("late"), await losing("late")];
  await sql`update soniq_jobs set claimed_at = now() where id = ${late}`;
  await failClaims(worker);
  await worker.settled(old, "completed");
  expect(await jobRow(db, late)).toMatchObject({ state: "active", claims: 1, attempt: 1 });
});
