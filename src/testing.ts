export { runJobs, type TestConfig } from "./testing/run-jobs.js";
export { type EnqueuedJob, expectEnqueued } from "./testing/expect-enqueued.js";
export { withRollback } from "./testing/with-rollback.js";
export { travel } from "./testing/travel.js";
