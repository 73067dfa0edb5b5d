export type { Duration } from "./core/duration.js";
export {
  ConfigError,
  DuplicateJobError,
  InvalidValueError,
  MigrationError,
  NotFoundError,
  SoniqError,
} from "./core/errors.js";
export type { PageOptions } from "./core/page.js";
export type { Queryable } from "./core/queryable.js";
export { migrate } from "./database/migrate.js";
export type { PgliteConnection } from "./database/pglite-connection.js";
export { postgresJs } from "./database/postgres-js.js";
export { type TransactionDriver, TransactionLostError } from "./database/transaction-slot.js";
export type { BulkOptions } from "./dead-letters/batches.js";
export { exportDeadLetters } from "./dead-letters/export.js";
export type { DeadLetterFilter } from "./dead-letters/filter.js";
export { type DeadLetter, type DeadLetterPage, listDeadLetters } from "./dead-letters/list.js";
export {
  type Purged,
  purgeDeadLetters,
  type PurgeCount,
  type PurgeProgress,
  type PurgeRefusal,
} from "./dead-letters/purge.js";
export { replayDeadLetters, type ReplayCount, type ReplayProgress } from "./dead-letters/replay.js";
export { type DeadLetterGroup, type DeadLetterSummary, summarizeDeadLetters } from "./dead-letters/summarize.js";
export { cancel } from "./jobs/cancel.js";
export type { ClaimedJob } from "./jobs/claim.js";
export {
  defineJob,
  type JobDefinition,
  type JobSettings,
  type PayloadInput,
  type PayloadOutput,
  type ResultInput,
  type ResultOf,
} from "./jobs/define-job.js";
export { Cancel, type Directive, Discard, RetryAfter, Snooze } from "./jobs/directives.js";
export { discard } from "./jobs/discard-job.js";
export { enqueue } from "./jobs/enqueue.js";
export { enqueueMany } from "./jobs/enqueue-many.js";
export type { ErrorDetails, ErrorRecord } from "./jobs/error-record.js";
export { getJob } from "./jobs/get-job.js";
export { getResult, type JobResult } from "./jobs/get-result.js";
export { handler, type Handler } from "./jobs/handler.js";
export type { Job, JobError, JobSummary, LogLine } from "./jobs/job.js";
export type { HandlerFunction, JobContext, TransactionOf, TransactionOptions } from "./jobs/job-context.js";
export type { JobHandle } from "./jobs/job-handle.js";
export { type JobFilter, type JobPage, listJobs } from "./jobs/list-jobs.js";
export type { Enqueued, EnqueueOptions } from "./jobs/new-job.js";
export type { Outcome } from "./jobs/outcome.js";
export type { PayloadMapping } from "./jobs/payload-mapping.js";
export { replay, type Replayed, type ReplayOptions, type ReplayRefusal } from "./jobs/replay.js";
export type { Rescued } from "./jobs/rescue.js";
export { runNow } from "./jobs/run-now.js";
export { listQueues, type QueueOverview } from "./queues/list.js";
export { pauseQueue, resumeQueue } from "./queues/pause.js";
export type { UniqueSettings } from "./jobs/unique-settings.js";
export { defineSchedule, type ScheduleDefinition, type ScheduleSettings } from "./schedules/define-schedule.js";
export { listSchedules, type Schedule } from "./schedules/list-schedules.js";
export { pauseSchedule } from "./schedules/pause-schedule.js";
export { removeSchedule } from "./schedules/remove-schedule.js";
export { resumeSchedule } from "./schedules/resume-schedule.js";
export { previewTicks, type Rhythm } from "./schedules/rhythm.js";
export { triggerSchedule } from "./schedules/trigger-schedule.js";
export type { Retention } from "./jobs/retention.js";
export { listWorkers, type WorkedQueue, type WorkerOverview } from "./sessions/list-workers.js";
export { createResultListener, type ResultListener } from "./waiting/result-listener.js";
export { waitFor, type WaitOptions } from "./waiting/wait-for.js";
export type { Activity, AttemptCounts, HistogramCounts } from "./worker/activity.js";
export { defineConfig, type Handlers, type WorkerConfig } from "./worker/config.js";
export { createWorker, type Worker } from "./worker/create-worker.js";
export type { Logger } from "./worker/event-log.js";
export type { SettledEvent, WorkerEvent } from "./worker/events.js";
export type { Health } from "./worker/health.js";
export type { Middleware, MiddlewareContext } from "./worker/middleware.js";
