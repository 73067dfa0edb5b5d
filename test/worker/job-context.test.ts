import * as v from "valibot";
import { expect, test } from "vitest";
import { defineJob, enqueue } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { startWorker } from "../support/worker.ts";

const { db, url } = await testDatabase();

test("a job knows of itself what it was enqueued with", async () => {
  const known = gate<unknown>();
  const job = defineJob({
    name: "curious",
    queue: "curious",
    payload: v.object({ n: v.pipe(v.string(), v.transform(Number)) }),
    maxAttempts: 4,
    run: (payload, { id, name, queue, attempt, maxAttempts, tags, meta }) =>
      known.open({ payload, id, name, queue, attempt, maxAttempts, tags, meta }),
  });
  const { id } = await enqueue(db, job, { n: "7" }, { tags: ["a", "b"], meta: { trace: "t" } });
  await startWorker({ connection: url, jobs: { job }, handlers: {} });
  expect(await known.opened).toEqual({
    payload: { n: 7 },
    id,
    name: "curious",
    queue: "curious",
    attempt: 1,
    maxAttempts: 4,
    tags: ["a", "b"],
    meta: { trace: "t" },
  });
});
