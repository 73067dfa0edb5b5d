export type { Duration } from "./core/duration.js";
export {
  ConfigError,
  DuplicateJobError,
  InvalidValueError,
  MigrationError,
  NotFoundError,
  SoniqError,
} from "./core/errors.js";
export type { Queryable } from "./core/queryable.js";
export { migrate } from "./database/migrate.js";
export type { PgliteConnection } from "./database/pglite-connection.js";
export { postgresJs } from "./database/postgres-js.js";
export { type TransactionDriver, TransactionLostError } from "./database/transaction-slot.js";
export { cancelJob } from "./jobs/control/cancel-job.js";
export type { Retention } from "./jobs/definition/define-job.js";
export { defineHandler, type Handler } from "./jobs/definition/define-job.js";
export {
  defineJob,
  type JobDefinition,
  type JobSettings,
  type PayloadInput,
  type PayloadOutput,
  type ResultInput,
  type ResultOf,
} from "./jobs/definition/define-job.js";
export { Cancel, type Directive, Discard, RetryAfter, Snooze } from "./jobs/definition/directives.js";
export type { HandlerFunction, JobContext, TransactionOf, TransactionOptions } from "./jobs/definition/job-context.js";
export type { UniqueSettings } from "./jobs/definition/unique-settings.js";
export { enqueueMany } from "./jobs/enqueue/enqueue-many.js";
export { enqueue } from "./jobs/enqueue/enqueue.js";
export type { Enqueued, EnqueueOptions } from "./jobs/enqueue/new-job.js";
export { getJob } from "./jobs/read/get-job.js";
export { getResult, type JobResult } from "./jobs/read/get-result.js";
export type { ErrorDetails, ErrorRecord } from "./jobs/row/error-record.js";
export type { JobHandle } from "./jobs/row/job-handle.js";
export type { Job, JobError, JobSummary, LogLine } from "./jobs/row/job.js";
export type { Outcome } from "./jobs/settle/outcome.js";
export type { Rescued } from "./jobs/upkeep/rescue.js";
export { defineSchedule, type ScheduleDefinition, type ScheduleSettings } from "./schedules/define-schedule.js";
export { createResultListener, type ResultListener } from "./waiting/result-listener.js";
export { waitFor, type WaitOptions } from "./waiting/wait-for.js";
export type { Activity, AttemptCounts, HistogramCounts } from "./worker/activity.js";
export { createWorker, type Worker } from "./worker/create-worker.js";
export type { Logger } from "./worker/events/log-events.js";
export type { EventJob } from "./worker/events/event-job.js";
export type { SettledEvent, WorkerEvent, WorkerEventListener } from "./worker/events/events.js";
export type { Health } from "./worker/health.js";
export { defineConfig, type Handlers, type WorkerConfig } from "./worker/settings/config.js";
export type { Middleware, MiddlewareContext } from "./worker/settings/middleware.js";
