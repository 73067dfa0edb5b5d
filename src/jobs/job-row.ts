import { type Column, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import type { Job, JobError, JobSummary, LogLine } from "./job.js";

const summaryColumns = {
  id: soniqJobs.id,
  name: soniqJobs.name,
  queue: soniqJobs.queue,
  state: soniqJobs.state,
  priority: soniqJobs.priority,
  attempt: soniqJobs.attempt,
  maxAttempts: soniqJobs.maxAttempts,
  crashes: soniqJobs.crashes,
  replays: soniqJobs.replays,
  tags: jsonText(soniqJobs.tags),
  reason: soniqJobs.reason,
  workerId: soniqJobs.workerId,
  createdAt: epochMs(soniqJobs.createdAt),
  runAt: epochMs(soniqJobs.runAt),
  claimedAt: epochMs(soniqJobs.claimedAt),
  cancelRequestedAt: epochMs(soniqJobs.cancelRequestedAt),
  finishedAt: epochMs(soniqJobs.finishedAt),
};

const jobColumns = {
  ...summaryColumns,
  payload: jsonText(soniqJobs.payload),
  progress: jsonText(soniqJobs.progress),
  result: jsonText(soniqJobs.result),
  errors: jsonText(soniqJobs.errors),
  logs: jsonText(soniqJobs.logs),
  meta: jsonText(soniqJobs.meta),
  uniqueKey: soniqJobs.uniqueKey,
  lastWorkerId: soniqJobs.lastWorkerId,
};

/** Selects what {@link summaryOf} reads. */
export function selectSummaries(db: Queryable) {
  return builder(db).select(summaryColumns).from(soniqJobs);
}

/** Selects what {@link jobOf} reads. */
export function selectJobs(db: Queryable) {
  return builder(db).select(jobColumns).from(soniqJobs);
}

type SummaryRow = Awaited<ReturnType<typeof selectSummaries>>[number];
type JobRow = Awaited<ReturnType<typeof selectJobs>>[number];

export function summaryOf(row: SummaryRow): JobSummary {
  return {
    ...row,
    tags: listOf<string>(row.tags),
    createdAt: dateOf(row.createdAt) as Date,
    // Infinity is never: the job is parked.
    runAt: Number(row.runAt) === Infinity ? null : dateOf(row.runAt),
    claimedAt: dateOf(row.claimedAt),
    cancelRequestedAt: dateOf(row.cancelRequestedAt),
    finishedAt: dateOf(row.finishedAt),
  };
}

export function jobOf({ payload, progress, result, errors, logs, meta, uniqueKey, lastWorkerId, ...row }: JobRow): Job {
  return {
    ...summaryOf(row),
    payload: valueOf(payload),
    progress: valueOf(progress),
    result: valueOf(result),
    errors: recordsOf<JobError>(errors),
    logs: recordsOf<LogLine>(logs),
    meta: valueOf(meta) as Record<string, unknown>,
    uniqueKey,
    lastWorkerId,
  };
}

/** As text: drizzle-orm 0.45 turns a JSON text that looks like an object into one. */
export function jsonText(column: Column) {
  return sql<string | null>`${column}::text`;
}

/** A JSON column's value; null for none. */
export function valueOf(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}

/** A list, whatever plain SQL put there instead. */
export function listOf<T>(json: string | null): T[] {
  const value = valueOf(json);
  return Array.isArray(value) ? (value as T[]) : [];
}

/** A list of objects, likewise. */
function recordsOf<T extends object>(json: string | null): T[] {
  return listOf<T | null>(json).filter((one) => typeof one === "object" && one !== null);
}

/** Not as the driver would read it: that is left to each of them, and knows no `infinity`. */
function epochMs(column: Column) {
  return sql<number | null>`(extract(epoch from ${column}) * 1000)::float8`;
}

const lastTimeMs = 8.64e15;

function dateOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(Math.max(-lastTimeMs, Math.min(lastTimeMs, Number(ms))));
}
