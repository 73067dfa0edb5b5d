import { type SQL, sql } from "drizzle-orm";
import { interval } from "../../core/fragments.js";
import { soniqJobs } from "../../../schema/jobs.js";
import { capRunAt, initialRunAt } from "./run-at.js";
import type { UniqueRule } from "../definition/unique-settings.js";

/** The inputs of an enqueue, named like their options, with their SQL types. */
export const inputTypes = {
  name: "text",
  queue: "text",
  priority: "int",
  maxAttempts: "int",
  payload: "jsonb",
  tags: "jsonb",
  meta: "jsonb",
  uniqueKey: "text",
  uniqueUntil: "text",
  withinMs: "float8",
  maxWaitMs: "float8",
  runAtMs: "float8",
  delayMs: "float8",
  expiresInMs: "float8",
} as const;

export type JobInput = keyof typeof inputTypes;

/** Renders an input as SQL: as a parameter, a placeholder, or a column of the rows that the statement inserts from. */
export type InputExpression = (input: JobInput) => SQL;

type Conflict = UniqueRule["onConflict"];
export type JobColumn = keyof typeof soniqJobs.$inferSelect;

/**
 * How each statement treats a column of `soniq_jobs`. Every statement derives its column list from this table, so no statement
 * can miss a new column.
 */
interface ColumnRole {
  /** The value in a new job. Without it, the table's default applies. */
  readonly enqueue?: (input: InputExpression, conflict: Conflict) => SQL;
  /** Inserted only for jobs with a unique key. */
  readonly keyed?: true;
  /**
   * How an enqueue changes the waiting job that holds its key. `replace` overwrites `content`; `reschedule` overwrites `content`,
   * `position` and `time`. Without it, the job keeps its value.
   */
  readonly conflict?: "content" | "position" | "time";
  /** The value that a manual retry sets on a dead letter. Without it, the column does not change. */
  readonly retry?: SQL;
  /**
   * Which reads return the column: lists and single jobs (`summary`), single jobs only (`job`), or only the engine's own
   * statements (`engine`).
   */
  readonly read: "summary" | "job" | "engine";
}

const copyInput =
  (name: JobInput) =>
  (input: InputExpression): SQL =>
    input(name);

/** The role of every column of `soniq_jobs`. */
export const jobColumns: Readonly<Record<JobColumn, ColumnRole>> = {
  id: { read: "summary" },
  name: { enqueue: copyInput("name"), read: "summary" },
  queue: { enqueue: copyInput("queue"), conflict: "position", read: "summary" },
  priority: { enqueue: copyInput("priority"), conflict: "position", read: "summary" },
  maxAttempts: { enqueue: copyInput("maxAttempts"), conflict: "content", read: "summary" },
  payload: { enqueue: copyInput("payload"), conflict: "content", read: "job" },
  tags: { enqueue: copyInput("tags"), conflict: "content", read: "summary" },
  meta: { enqueue: copyInput("meta"), conflict: "content", read: "job" },
  uniqueKey: { enqueue: copyInput("uniqueKey"), keyed: true, read: "job" },
  uniqueUntil: { enqueue: copyInput("uniqueUntil"), keyed: true, conflict: "content", read: "engine" },
  uniqueExpiresAt: { enqueue: (input) => fromNow(input("withinMs")), keyed: true, read: "engine" },
  uniqueHeld: { retry: sql`true`, read: "engine" },
  runAt: {
    enqueue: (input, conflict) => initialRunAt(conflict, input("runAtMs"), input("delayMs"), input("maxWaitMs")),
    conflict: "time",
    retry: sql`clock_timestamp()`,
    read: "summary",
  },
  expiresAt: { enqueue: (input) => fromNow(input("expiresInMs")), conflict: "content", retry: sql`null`, read: "job" },
  state: { retry: sql`'queued'`, read: "summary" },
  attempt: { retry: sql`0`, read: "summary" },
  crashes: { retry: sql`0`, read: "summary" },
  manualRetries: { retry: sql`${soniqJobs.manualRetries} + 1`, read: "summary" },
  claims: { read: "engine" },
  claimToken: { read: "engine" },
  workerId: { read: "summary" },
  lastWorkerId: { read: "job" },
  deadlineAt: { read: "engine" },
  // Null, so that a key with `until: "started"` is held until the retried job starts, even past its window.
  claimedAt: { retry: sql`null`, read: "summary" },
  finishedAt: { retry: sql`null`, read: "summary" },
  createdAt: { read: "summary" },
  cancelRequestedAt: { retry: sql`null`, read: "summary" },
  unknownSince: { retry: sql`null`, read: "engine" },
  result: { read: "job" },
  progress: { retry: sql`null`, read: "job" },
  errors: { read: "job" },
  logs: { read: "job" },
  reason: { retry: sql`null`, read: "summary" },
};

const columnNames = Object.keys(jobColumns) as JobColumn[];

/** Returns the columns that match, in the table's order. */
function columnsWhere(matches: (place: ColumnRole, name: JobColumn) => boolean): JobColumn[] {
  return columnNames.filter((name) => matches(jobColumns[name], name));
}

/**
 * Builds `insert into soniq_jobs … select …`, the only statement that creates jobs. Columns without an input get the table's
 * defaults.
 *
 * @param input renders each input as SQL
 * @param options `conflict`: the conflict rule, if the jobs have a unique key; `rest`: the SQL after the select list, such as
 *   `from …` and `on conflict …`
 */
export function buildJobInsert(
  input: InputExpression,
  { conflict, rest = sql`` }: { conflict?: Conflict; rest?: SQL } = {},
): SQL {
  const columns = columnsWhere(({ enqueue, keyed }) => enqueue !== undefined && (conflict !== undefined || !keyed));
  const names = columns.map((name) => sql.identifier(soniqJobs[name].name));
  const values = columns.map((name) => jobColumns[name].enqueue?.(input, conflict ?? "keep"));
  return sql`insert into ${soniqJobs} (${sql.join(names, sql`, `)}) select ${sql.join(values, sql`, `)} ${rest}`;
}

/** Casts a parameter or placeholder to the input's SQL type, because drivers send the same value with different types. */
export function castInput(input: JobInput, value: unknown): SQL {
  const type = inputTypes[input];
  return type === "jsonb" ? sql`${value}::text::jsonb` : sql`${value}::${sql.raw(type)}`;
}

/** Returns the columns that an enqueue changes in the waiting job that holds its key, with their new values. */
export function changesOnConflict(conflict: "replace" | "reschedule", maxWaitMs: SQL): { name: string; value: SQL }[] {
  const isReschedule = conflict === "reschedule";
  return columnsWhere((place) => place.conflict === "content" || (isReschedule && place.conflict !== undefined)).map(
    (key) => {
      const { name } = soniqJobs[key];
      const excluded = sql`excluded.${sql.identifier(name)}`;
      const isRunAt = jobColumns[key].conflict === "time";
      return { name, value: isRunAt ? capRunAt(excluded, soniqJobs.createdAt, maxWaitMs) : excluded };
    },
  );
}

/** Returns the values that a manual retry sets on a dead letter, for an update. */
export function valuesOnRetry(): Partial<Record<JobColumn, SQL>> {
  return Object.fromEntries(
    columnsWhere(({ retry }) => retry !== undefined).map((name) => [name, jobColumns[name].retry]),
  );
}

/** Returns every timestamp of a job, shifted back by `by`, for an update. */
export function shiftTimesBack(by: SQL): Partial<Record<JobColumn, SQL>> {
  return Object.fromEntries(
    columnsWhere((_, name) => isTime(name)).map((name) => [name, sql`${soniqJobs[name]} - ${by}`]),
  );
}

/** Returns the columns that lists (`summary`) or single jobs (`job`) read. */
export function columnsRead(by: "summary" | "job"): JobColumn[] {
  return columnsWhere(({ read }) => read === "summary" || read === by);
}

export function isTime(name: JobColumn): boolean {
  return soniqJobs[name].getSQLType().startsWith("timestamp");
}

export function isJson(name: JobColumn): boolean {
  return soniqJobs[name].getSQLType() === "jsonb";
}

function fromNow(ms: SQL): SQL {
  return sql`clock_timestamp() + ${interval(ms)}`;
}
