import { expect, test } from "vitest";
import type { Job, JobError } from "../../src/index.ts";
import { jobTimeline } from "../../src/jobs/read/job-timeline.ts";

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute));
const iso = (minute: number) => at(minute).toISOString();

const job: Job = {
  id: 1,
  name: "mail",
  queue: "default",
  state: "queued",
  priority: 5,
  attempt: 0,
  maxAttempts: 10,
  crashes: 0,
  manualRetries: 0,
  tags: [],
  reason: null,
  workerId: null,
  createdAt: at(0),
  runAt: at(0),
  claimedAt: null,
  cancelRequestedAt: null,
  finishedAt: null,
  payload: null,
  progress: null,
  result: null,
  errors: [],
  logs: [],
  meta: {},
  expiresAt: null,
  uniqueKey: null,
  lastWorkerId: null,
};
const failure = (minute: number, attempt: number, more: Partial<JobError> = {}): JobError => ({
  at: iso(minute),
  attempt,
  worker: "w1",
  name: "TypeError",
  message: "no",
  stack: "TypeError: no\n at x",
  ...more,
});
const told = (of: Partial<Job>) =>
  jobTimeline({ ...job, ...of }).map((moment) => `${moment.at.slice(14, 16)} ${moment.what}`);

test("a job that waits was enqueued, and is due at a time of its own", () => {
  expect(told({})).toEqual(["00 enqueued"]);
  expect(told({ runAt: at(5) })).toEqual(["00 enqueued", "05 due"]);
  expect(told({ runAt: null })).toEqual(["00 enqueued"]);
});

test("one that was cancelled or discarded before its time was never due", () => {
  expect(told({ state: "cancelled", runAt: at(5), finishedAt: at(2) })).toEqual(["00 enqueued", "02 cancelled"]);
  expect(told({ state: "dead", runAt: at(2), finishedAt: at(5) })).toEqual(["00 enqueued", "02 due", "05 dead"]);
});

test("a job that failed, and then completed, tells of each failure, and of its last claim", () => {
  const of = {
    state: "completed",
    attempt: 3,
    errors: [failure(1, 1), failure(3, 2, { worker: "w2", cause: "Error: away" })],
    runAt: at(4),
    claimedAt: at(5),
    finishedAt: at(6),
    lastWorkerId: "w3",
  } as const;
  expect(told(of)).toEqual(["00 enqueued", "01 failed", "03 failed", "04 due", "05 claimed", "06 completed"]);
  expect(jobTimeline({ ...job, ...of }).slice(1, 3)).toEqual([
    { at: iso(1), what: "failed", attempt: 1, worker: "w1", message: "TypeError: no", stack: "TypeError: no\n at x" },
    expect.objectContaining({ attempt: 2, worker: "w2", message: "TypeError: no ← Error: away" }),
  ]);
  expect(jobTimeline({ ...job, ...of }).at(-1)).toEqual({
    at: iso(6),
    what: "completed",
    attempt: 3,
    worker: "w3",
    message: null,
    stack: null,
  });
});

test("one that died or was cancelled says why; where both came at once, the failure is first", () => {
  const dead = {
    state: "dead",
    attempt: 1,
    claimedAt: at(1),
    finishedAt: at(2),
    reason: "out of attempts: no",
  } as const;
  expect(told({ ...dead, errors: [failure(2, 1)] })).toEqual(["00 enqueued", "01 claimed", "02 failed", "02 dead"]);
  expect(jobTimeline({ ...job, ...dead }).at(-1)?.message).toBe("out of attempts: no");
  const cancelled = { state: "cancelled", cancelRequestedAt: at(1), finishedAt: at(1), reason: "by ada" } as const;
  expect(told(cancelled)).toEqual(["00 enqueued", "01 cancel-requested", "01 cancelled"]);
});

test("one that is retried has no attempt yet, though it was claimed before", () => {
  const retried = jobTimeline({ ...job, manualRetries: 1, claimedAt: at(1), errors: [failure(2, 10)], runAt: at(9) });
  expect(retried.map(({ what, attempt }) => [what, attempt])).toEqual([
    ["enqueued", null],
    ["claimed", null],
    ["failed", 10],
    ["due", null],
  ]);
});

test("what plain SQL wrote as failures is told as far as it can be", () => {
  const errors = [{ at: "never" }, { at: iso(1) }, { at: iso(2), message: { a: 1 } }] as unknown as JobError[];
  expect(jobTimeline({ ...job, errors }).map(({ message }) => message)).toEqual([null, "", "[object Object]"]);
});
