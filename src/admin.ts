export type { PageOptions } from "./core/page.js";
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
export { discardJob } from "./jobs/control/discard-job.js";
export type { PayloadMapping } from "./jobs/control/payload-mapping.js";
export { retryJobs, type Retried, type RetryOptions, type RetryRefusal } from "./jobs/control/retry-jobs.js";
export { runJobNow } from "./jobs/control/run-now.js";
export { type JobFilter, type JobPage, listJobs } from "./jobs/read/list-jobs.js";
export { listQueues, type QueueInfo } from "./queues/list-queues.js";
export { pauseQueue, resumeQueue } from "./queues/pause.js";
export { deleteSchedule } from "./schedules/delete-schedule.js";
export { listSchedules, type Schedule } from "./schedules/list-schedules.js";
export { pauseSchedule } from "./schedules/pause-schedule.js";
export { resumeSchedule } from "./schedules/resume-schedule.js";
export { previewTicks, type ScheduleTiming } from "./schedules/timing.js";
export { triggerSchedule } from "./schedules/trigger-schedule.js";
export { listWorkers, type WorkerQueue, type WorkerInfo } from "./sessions/list-workers.js";
