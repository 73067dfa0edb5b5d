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
export { retryDeadLetters, type RetryCount, type RetryProgress } from "./dead-letters/retry.js";
export { type DeadLetterGroup, type DeadLetterSummary, summarizeDeadLetters } from "./dead-letters/summarize.js";
export { cancelJob } from "./jobs/control/cancel.js";
export type { ClaimedJob } from "./jobs/claim/claim.js";
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
export { discardJob } from "./jobs/control/discard-job.js";
export { enqueue } from "./jobs/enqueue/enqueue.js";
export { enqueueMany } from "./jobs/enqueue/enqueue-many.js";
export type { ErrorDetails, ErrorRecord } from "./jobs/row/error-record.js";
export { getJob } from "./jobs/read/get-job.js";
export { getResult, type JobResult } from "./jobs/read/get-result.js";
export { defineHandler, type Handler } from "./jobs/definition/define-job.js";
export type { Job, JobError, JobSummary, LogLine } from "./jobs/row/job.js";
export type { HandlerFunction, JobContext, TransactionOf, TransactionOptions } from "./jobs/definition/job-context.js";
export type { JobHandle } from "./jobs/row/job-handle.js";
export { type JobFilter, type JobPage, listJobs } from "./jobs/read/list-jobs.js";
export type { Enqueued, EnqueueOptions } from "./jobs/enqueue/new-job.js";
export type { Outcome } from "./jobs/settle/outcome.js";
export type { PayloadMapping } from "./jobs/control/payload-mapping.js";
export { retryJobs, type Retried, type RetryOptions, type RetryRefusal } from "./jobs/control/retry.js";
export type { Rescued } from "./jobs/upkeep/rescue.js";
export { runJobNow } from "./jobs/control/run-now.js";
export { listQueues, type QueueInfo } from "./queues/list.js";
export { pauseQueue, resumeQueue } from "./queues/pause.js";
export type { UniqueSettings } from "./jobs/definition/unique-settings.js";
export { defineSchedule, type ScheduleDefinition, type ScheduleSettings } from "./schedules/define-schedule.js";
export { listSchedules, type Schedule } from "./schedules/list-schedules.js";
export { pauseSchedule } from "./schedules/pause-schedule.js";
export { deleteSchedule } from "./schedules/delete-schedule.js";
export { resumeSchedule } from "./schedules/resume-schedule.js";
export { previewTicks, type ScheduleTiming } from "./schedules/timing.js";
export { triggerSchedule } from "./schedules/trigger-schedule.js";
export type { Retention } from "./jobs/definition/define-job.js";
export { listWorkers, type WorkerQueue, type WorkerInfo } from "./sessions/list-workers.js";
export { createResultListener, type ResultListener } from "./waiting/result-listener.js";
export { waitFor, type WaitOptions } from "./waiting/wait-for.js";
export type { Activity, AttemptCounts, HistogramCounts } from "./worker/activity.js";
export { defineConfig, type Handlers, type WorkerConfig } from "./worker/settings/config.js";
export { createWorker, type Worker } from "./worker/create-worker.js";
export type { Logger } from "./worker/events/event-log.js";
export type { SettledEvent, WorkerEvent } from "./worker/events/events.js";
export type { Health } from "./worker/health.js";
export type { Middleware, MiddlewareContext } from "./worker/settings/middleware.js";
