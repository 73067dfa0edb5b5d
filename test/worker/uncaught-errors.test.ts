// What a worker process does when a handler leaves an error behind that nothing catches.
import { expect, test } from "vitest";
import { enqueue, enqueueMany } from "../../src/index.ts";
import { startChild } from "../support/child.ts";
import { testDatabase } from "../support/database.ts";
import harmful, { careless, neighbour } from "../support/harmful.config.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const handlers = { ...harmful.handlers, careless: () => {}, neighbour: () => {} };

test.each(["rejection", "exception"] as const)(
  "an uncaught %s is told, the process stops at once, and its jobs run elsewhere without the loss of an attempt",
  async (what) => {
    // A lease so long that nobody could take the jobs from a process that just died.
    const child = startChild(url, { config: "harmful.config.ts", lease: "1h" });
    const neighbours = (await enqueueMany(db, neighbour, ["patient", "patient"])).map(({ id }) => id);
    await until(async () => (await sql`select from soniq_jobs where state = 'active'`).length === 2);
    const { id } = await enqueue(db, careless, what);
    // More than there are slots for: they have not started.
    const waiting = (await enqueueMany(db, neighbour, ["patient", "patient", "patient", "patient"])).map(
      (job) => job.id,
    );

    expect(await child.exited).toBe(4);
    const told = child.complaints();
    expect(told).toMatch(/^soniq-drizzle: uncaught error, so this worker stops: Error: nobody waits for me/);
    expect(told).toMatch(/at .*harmful\.config\.[jt]s:\d+/);
    expect(told).toContain("caused by Error: the deeper cause");
    expect(told).not.toContain("hunter2");

    expect(await sql`select from soniq_workers where ended_at is null`).toHaveLength(0);
    expect(await sql`select id from soniq_jobs where state <> 'queued' or attempt > 0 or errors <> '[]'`).toEqual([]);
    const crashes = async (job: number) => (await jobRow(db, job))?.crashes;
    // Nobody can tell which of those that ran it was.
    for (const ran of [id, ...neighbours]) expect(await crashes(ran)).toBe(1);

    const { settled } = await startWorker({ ...harmful, connection: url, handlers, lease: "20s" });
    await Promise.all([id, ...neighbours, ...waiting].map((job) => settled(job, "completed")));
    for (const job of [id, ...neighbours, ...waiting]) expect(await jobRow(db, job)).toMatchObject({ attempt: 1 });
    await sql`delete from soniq_jobs`;
  },
);
