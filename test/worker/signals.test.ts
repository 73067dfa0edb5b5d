// What SIGTERM and SIGINT do to a worker process; SIGKILL is promise 5's.
import { expect, test } from "vitest";
import { enqueue } from "../../src/index.ts";
import { hold } from "../support/child.config.ts";
import { openLedger, startChild } from "../support/child.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";

const { db, url, sql } = await testDatabase();
const ledger = await openLedger(sql);
let n = 0;

/** A worker process with a job that runs in it. */
async function working(settings: { shutdownTimeout?: string } = {}) {
  n += 1;
  const child = startChild(url, settings);
  const { id } = await enqueue(db, hold, { n });
  await ledger.noted(n, "started");
  return { child, id, n };
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "at %s the running job is finished, and the process ends well",
  async (signal) => {
    const { child, id, n: number } = await working();
    child.kill(signal);
    await child.said(`${signal}: finishing the running jobs`);
    const { id: later } = await enqueue(db, hold, { n: 0 });
    await ledger.letGo(number);
    expect(await child.exited).toBe(0);
    expect(await jobRow(db, id)).toMatchObject({ state: "completed", attempt: 1, claims: 1 });
    // A claim that was under way may have brought it: then it was given back, and has not run.
    expect(await jobRow(db, later)).toMatchObject({ state: "queued", attempt: 0 });
    expect(await sql`select from soniq_workers where ended_at is null`).toHaveLength(0);
    await sql`delete from soniq_jobs`;
  },
);

test("at a second signal what still runs is aborted and given back, at no cost", async () => {
  const { child, id, n: number } = await working();
  child.kill("SIGTERM");
  await child.said("SIGTERM: finishing the running jobs");
  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
  await ledger.noted(number, "aborted");
  expect(await jobRow(db, id)).toMatchObject({ state: "queued", attempt: 0, crashes: 0, errors: [] });
  await sql`delete from soniq_jobs`;
});

test("so it is when the drain time is over", async () => {
  const { child, id, n: number } = await working({ shutdownTimeout: "100ms" });
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  await ledger.noted(number, "aborted");
  expect(await jobRow(db, id)).toMatchObject({ state: "queued", attempt: 0, crashes: 0, errors: [] });
  await sql`delete from soniq_jobs`;
});

test("a process that is told to stop while it starts ends", async () => {
  const child = startChild(url);
  await child.said("starts on");
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  expect(await sql`select from soniq_workers where ended_at is null`).toHaveLength(0);
});
