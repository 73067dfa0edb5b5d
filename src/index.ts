export type { Duration } from "./core/duration.js";
export { ConfigError, DuplicateJobError, InvalidValueError, MigrationError, SoniqError } from "./core/errors.js";
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
export { handler, type Handler } from "./jobs/handler.js";
export type { HandlerFunction, JobContext, TransactionOf, TransactionOptions } from "./jobs/job-context.js";
export type { Enqueued, EnqueueOptions } from "./jobs/new-job.js";
export type { Outcome } from "./jobs/outcome.js";
export type { UniqueSettings } from "./jobs/unique-settings.js";
export { defineSchedule, type ScheduleDefinition, type ScheduleSettings } from "./schedules/define-schedule.js";
export { listSchedules, type Schedule } from "./schedules/list-schedules.js";
export { pauseSchedule } from "./schedules/pause-schedule.js";
export { removeSchedule } from "./schedules/remove-schedule.js";
export { resumeSchedule } from "./schedules/resume-schedule.js";
export { previewTicks, type Rhythm } from "./schedules/rhythm.js";
export { triggerSchedule } from "./schedules/trigger-schedule.js";
export { defineConfig, type Handlers, type Retention, type WorkerConfig } from "./worker/config.js";
export { createWorker, type Worker } from "./worker/create-worker.js";
export type { Logger } from "./worker/event-log.js";
export type { SettledEvent, WorkerEvent } from "./worker/events.js";
export type { Health } from "./worker/health.js";
export type { Middleware, MiddlewareContext } from "./worker/middleware.js";
