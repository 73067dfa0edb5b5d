import { type Column, sql, type SQL } from "drizzle-orm";
import { epochMs } from "../../core/fragments.js";
import type { PgColumn } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import type { Job, JobError, JobSummary, LogLine } from "./job.js";
import { columnsRead, isJson, isTime, type JobColumn } from "./job-columns.js";

type Row = Readonly<Partial<Record<JobColumn, unknown>>>;

const [summaryColumns, jobColumns] = [buildSelection("summary"), buildSelection("job")];

function buildSelection(by: "summary" | "job"): Record<string, SQL | PgColumn> {
  return Object.fromEntries(columnsRead(by).map((name) => [name, toSelectable(name)]));
}

function toSelectable(name: JobColumn): SQL | PgColumn {
  const column = soniqJobs[name];
  if (isJson(name)) return jsonText(column);
  // As a number: each driver parses timestamps in its own way, and a Date cannot hold `infinity`.
  return isTime(name) ? epochMs(column) : column;
}

/** Selects the columns that {@link toSummary} reads. */
export function selectSummaries(db: Queryable) {
  return builder(db).select(summaryColumns).from(soniqJobs);
}

/** Selects the columns that {@link toJob} reads. */
export function selectJobs(db: Queryable) {
  return builder(db).select(jobColumns).from(soniqJobs);
}

export function toSummary(row: Row): JobSummary {
  return {
    ...(decodeRow(row) as unknown as JobSummary),
    tags: parseList<string>(row.tags as string | null),
    // A parked job has `run_at = 'infinity'`, which means never.
    ...(Number(row.runAt) === Infinity && { runAt: null }),
  };
}

export function toJob(row: Row): Job {
  return {
    ...(decodeRow(row) as unknown as Job),
    ...toSummary(row),
    errors: parseRecords<JobError>(row.errors as string | null),
    logs: parseRecords<LogLine>(row.logs as string | null),
  };
}

function decodeRow(row: Row): Row {
  return Object.fromEntries(
    (Object.entries(row) as [JobColumn, string | number | null][]).map(([name, value]) => [
      name,
      isJson(name) ? parseJson(value as string | null) : isTime(name) ? toDate(value as number | null) : value,
    ]),
  );
}

/** Selects a JSON column as text: drizzle-orm 0.45 would parse a JSON string twice if it looks like an object. */
export function jsonText(column: Column) {
  return sql<string | null>`${column}::text`;
}

/** Parses a JSON column; null stays null. */
export function parseJson(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}

/** Parses a list. Returns an empty list if plain SQL stored something else. */
export function parseList<T>(json: string | null): T[] {
  const value = parseJson(json);
  return Array.isArray(value) ? (value as T[]) : [];
}

/** Parses a list of objects, and drops its other elements. */
function parseRecords<T extends object>(json: string | null): T[] {
  return parseList<T | null>(json).filter((element) => typeof element === "object" && element !== null);
}

const maxDateMs = 8.64e15;

function toDate(ms: number | null): Date | null {
  return ms === null ? null : new Date(Math.max(-maxDateMs, Math.min(maxDateMs, Number(ms))));
}
