import { type Column, sql, type SQL } from "drizzle-orm";
import { epochMs } from "../../core/fragments.js";
import type { PgColumn } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import type { Job, JobError, JobSummary, LogLine } from "./job.js";
import { columnsRead, isJson, isTime, type JobColumn } from "./job-columns.js";

type Row = Readonly<Partial<Record<JobColumn, unknown>>>;

const [summaryColumns, jobColumns] = [selected("summary"), selected("job")];

function selected(by: "summary" | "job"): Record<string, SQL | PgColumn> {
  return Object.fromEntries(columnsRead(by).map((name) => [name, readable(name)]));
}

function readable(name: JobColumn): SQL | PgColumn {
  const column = soniqJobs[name];
  return isJson(name)
    ? jsonText(column) // Not as the driver would read it: that is left to each of them, and knows no `infinity`.
    : isTime(name)
      ? epochMs(column)
      : column;
}

/** Selects what {@link summaryOf} reads. */
export function selectSummaries(db: Queryable) {
  return builder(db).select(summaryColumns).from(soniqJobs);
}

/** Selects what {@link jobOf} reads. */
export function selectJobs(db: Queryable) {
  return builder(db).select(jobColumns).from(soniqJobs);
}

export function summaryOf(row: Row): JobSummary {
  return {
    ...(valuesOf(row) as unknown as JobSummary),
    tags: listOf<string>(row.tags as string | null),
    // Infinity is never: the job is parked.
    ...(Number(row.runAt) === Infinity && { runAt: null }),
  };
}

export function jobOf(row: Row): Job {
  return {
    ...(valuesOf(row) as unknown as Job),
    ...summaryOf(row),
    errors: recordsOf<JobError>(row.errors as string | null),
    logs: recordsOf<LogLine>(row.logs as string | null),
  };
}

function valuesOf(row: Row): Row {
  return Object.fromEntries(
    (Object.entries(row) as [JobColumn, string | number | null][]).map(([name, value]) => [
      name,
      isJson(name) ? valueOf(value as string | null) : isTime(name) ? dateOf(value as number | null) : value,
    ]),
  );
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

const lastTimeMs = 8.64e15;

function dateOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(Math.max(-lastTimeMs, Math.min(lastTimeMs, Number(ms))));
}
