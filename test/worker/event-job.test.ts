// The job of a worker's events is parsed, and does not put its payload into logs.
import * as v from "valibot";
import { expect, test } from "vitest";
import { defineJob, enqueue } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { startWorker } from "../support/worker.ts";

const { db, url } = await testDatabase();

test("an event's job has its payload, tags and meta as values, and leaves the payload out of JSON", async () => {
  const job = defineJob({ name: "import", payload: v.object({ file: v.string() }), run: () => {} });
  const { settled } = await startWorker({ connection: url, jobs: { job }, handlers: {} });
  const options = { tags: ["import", "nightly"], meta: { requestId: "r1" }, priority: 2 };
  const { id } = await enqueue(db, job, { file: "secret.csv" }, options);
  const { job: seen } = await settled(id, "completed");
  expect(seen.payload).toEqual({ file: "secret.csv" });
  expect(seen.tags).toEqual(["import", "nightly"]);
  expect(seen.meta).toEqual({ requestId: "r1" });
  expect(JSON.parse(JSON.stringify(seen))).toEqual({
    id,
    name: "import",
    queue: "default",
    priority: 2,
    attempt: 1,
    maxAttempts: seen.maxAttempts,
    crashes: 0,
    waitMs: seen.waitMs,
    tags: ["import", "nightly"],
    meta: { requestId: "r1" },
  });
});
