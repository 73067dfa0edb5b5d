// examples/features/results.ts, as its reader runs it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { testDatabase } from "../../support/database.ts";

const { url } = await testDatabase({ migrated: false });

test("it tells each way that a job can have ended", async () => {
  const example = ["--import", "tsx", "examples/features/results.ts"];
  const { stdout, stderr } = await promisify(execFile)("node", example, { env: { ...process.env, DATABASE_URL: url } });
  expect(stderr).toBe("");
  expect(stdout).toBe(
    [
      "before a worker runs: queued, progress: null",
      'while it runs: active, progress: {"percent":50}',
      "waited for: 24 thumbnails, the first taken in 1999",
      "read again: 24 thumbnails, the first taken in 1999",
      'the job: completed, attempt 1, payload {"photos":24}',
      "without photos: dead: out of attempts: there are no photos, after 1 error",
      "cancelled: cancelled: the photographer left",
      "pruned: expired",
      "never enqueued: unknown",
      "",
    ].join("\n"),
  );
});
