// A job that brings down each worker that runs it, and the jobs beside it.
import { expect, test } from "vitest";
import { enqueue, enqueueMany } from "../../src/index.ts";
import { startChild } from "../support/child.ts";
import { testDatabase } from "../support/database.ts";
import { deadly, neighbour } from "../support/harmful.config.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";

const { db, url } = await testDatabase();

// Each of its crashes takes a new process and a longer wait.
test.each(["abort", "exit"] as const)(
  "a job that does process.%s() is a dead letter at maxCrashes; its neighbours complete, at their first attempt",
  { timeout: 300_000 },
  async (how) => {
    const before = await enqueueMany(db, neighbour, ["quick", "quick"]);
    const { id } = await enqueue(db, deadly, how);
    const after = await enqueueMany(db, neighbour, ["quick", "quick"]);
    const isDead = async () => (await jobRow(db, id))?.state === "dead";
    while (!(await isDead())) {
      const child = startChild(url, { config: "harmful.config.ts", lease: "1s" });
      await Promise.race([child.exited, until(isDead)]);
      child.kill("SIGTERM");
      await child.exited;
    }
    expect(await jobRow(db, id)).toMatchObject({ attempt: 0, crashes: 5, reason: "crashed 5 workers", errors: [] });
    const last = startChild(url, { config: "harmful.config.ts", lease: "1s", args: ["--drain"] });
    expect(await last.exited).toBe(0);
    for (const job of [...before, ...after])
      expect(await jobRow(db, job.id)).toMatchObject({ state: "completed", attempt: 1, errors: [] });
  },
);
