export { drain, type TestConfig } from "./testing/drain.js";
export { type EnqueuedJob, expectEnqueued } from "./testing/expect-enqueued.js";
export { rolledBack } from "./testing/rolled-back.js";
export { travel } from "./testing/travel.js";
