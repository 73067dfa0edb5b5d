export type { Duration } from "./core/duration.js";
export { ConfigError, InvalidValueError, MigrationError, SoniqError } from "./core/errors.js";
export type { Queryable } from "./core/queryable.js";
export { migrate } from "./database/migrate.js";
export type { PgliteConnection } from "./database/pglite-connection.js";
export { postgresJs } from "./database/postgres-js.js";
export { type TransactionDriver, TransactionLostError } from "./database/transaction-slot.js";
export { cancel } from "./jobs/cancel.js";
export {
  defineJob,
  type JobDefinition,
  type JobSettings,
  type PayloadInput,
  type PayloadOutput,
  type ResultInput,
  type ResultOf,
} from "./jobs/define-job.js";
export { Cancel, Discard, RetryAfter, Snooze } from "./jobs/directives.js";
export { enqueue } from "./jobs/enqueue.js";
export { enqueueMany } from "./jobs/enqueue-many.js";
export { getJob } from "./jobs/get-job.js";
export { getResult, type JobResult } from "./jobs/get-result.js";
export { handler, type Handler } from "./jobs/handler.js";
export type { Job, JobError, JobSummary } from "./jobs/job.js";
export type { HandlerFunction, JobContext, TransactionOf, TransactionOptions } from "./jobs/job-context.js";
export type { JobHandle } from "./jobs/job-handle.js";
export { type JobFilter, type JobPage, listJobs } from "./jobs/list-jobs.js";
export type { Enqueued, EnqueueOptions } from "./jobs/new-job.js";
export type { Outcome } from "./jobs/outcome.js";
export type { Retention } from "./jobs/retention.js";
export { createResultListener, type ResultListener } from "./waiting/result-listener.js";
export { waitFor, type WaitOptions } from "./waiting/wait-for.js";
export { defineConfig, type Handlers, type WorkerConfig } from "./worker/config.js";
export { createWorker, type Worker } from "./worker/create-worker.js";
export type { WorkerEvent } from "./worker/events.js";
export type { Health } from "./worker/health.js";
