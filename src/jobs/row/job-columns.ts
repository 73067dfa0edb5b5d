import { type SQL, sql } from "drizzle-orm";
import { interval } from "../../core/fragments.js";
import { soniqJobs } from "../../../schema/jobs.js";
import { noLater, runAtOf } from "./due.js";
import type { UniqueRule } from "../definition/unique-settings.js";

/** What an enqueue says of a job, by the names of its options, and the type of each in SQL. */
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

/** How a statement says an input: as a parameter, a placeholder, or a column of the rows that it inserts from. */
export type InputOf = (input: JobInput) => SQL;

type Conflict = UniqueRule["onConflict"];
export type JobColumn = keyof typeof soniqJobs.$inferSelect;

/** Everything that is done with a column of the jobs, by whoever does it: no statement has a list of its own. */
interface Place {
  /** The value in a new job; where it is missing, the column has the table's default. */
  readonly enqueue?: (input: InputOf, conflict: Conflict) => SQL;
  /** Inserted only where the job has a unique key. */
  readonly keyed?: true;
  /**
   * What an enqueue does to the waiting job that holds its key: `content` is replaced, and rescheduled; `place` and `time` are
   * rescheduled alone. Where it is missing, the job keeps its own.
   */
  readonly conflict?: "content" | "place" | "time";
  /** The value that a dead letter gets when it is retried by hand; where it is missing, it keeps its own. */
  readonly retry?: SQL;
  /** Which reads tell it: lists and single jobs, single jobs alone, or the engine's own. */
  readonly read: "summary" | "job" | "engine";
}

const direct =
  (name: JobInput) =>
  (input: InputOf): SQL =>
    input(name);

/** Every column of `soniq_jobs` has its place here. */
export const jobColumns: Readonly<Record<JobColumn, Place>> = {
  id: { read: "summary" },
  name: { enqueue: direct("name"), read: "summary" },
  queue: { enqueue: direct("queue"), conflict: "place", read: "summary" },
  priority: { enqueue: direct("priority"), conflict: "place", read: "summary" },
  maxAttempts: { enqueue: direct("maxAttempts"), conflict: "content", read: "summary" },
  payload: { enqueue: direct("payload"), conflict: "content", read: "job" },
  tags: { enqueue: direct("tags"), conflict: "content", read: "summary" },
  meta: { enqueue: direct("meta"), conflict: "content", read: "job" },
  uniqueKey: { enqueue: direct("uniqueKey"), keyed: true, read: "job" },
  uniqueUntil: { enqueue: direct("uniqueUntil"), keyed: true, conflict: "content", read: "engine" },
  uniqueExpiresAt: { enqueue: (input) => fromNow(input("withinMs")), keyed: true, read: "engine" },
  uniqueHeld: { retry: sql`true`, read: "engine" },
  runAt: {
    enqueue: (input, conflict) => runAtOf(conflict, input("runAtMs"), input("delayMs"), input("maxWaitMs")),
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
  // A key that is freed by the job's start is held until it starts again, also past its window.
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

/** The columns of which something is true, in the table's order. */
function columnsWhere(isWanted: (place: Place, name: JobColumn) => boolean): JobColumn[] {
  return columnNames.filter((name) => isWanted(jobColumns[name], name));
}

/**
 * `insert into soniq_jobs … select …`: the one way in which jobs come to be. Columns without an input have the table's defaults.
 *
 * @param input how the statement says each input
 * @param options `conflict`: the rule of the unique key, where the jobs have one; `rest`: what follows the list of values: what
 *   is selected from, and what becomes of a conflict
 */
export function insertJobs(input: InputOf, { conflict, rest = sql`` }: { conflict?: Conflict; rest?: SQL } = {}): SQL {
  const written = columnsWhere(({ enqueue, keyed }) => enqueue !== undefined && (conflict !== undefined || !keyed));
  const names = written.map((name) => sql.identifier(soniqJobs[name].name));
  const values = written.map((name) => jobColumns[name].enqueue?.(input, conflict ?? "keep"));
  return sql`insert into ${soniqJobs} (${sql.join(names, sql`, `)}) select ${sql.join(values, sql`, `)} ${rest}`;
}

/** An input as a parameter or placeholder that has its type, however a driver sends it. */
export function typed(input: JobInput, value: unknown): SQL {
  const type = inputTypes[input];
  return type === "jsonb" ? sql`${value}::text::jsonb` : sql`${value}::${sql.raw(type)}`;
}

/** What an enqueue changes of the waiting job that holds its key: each column, and its value. */
export function changesOnConflict(conflict: "replace" | "reschedule", maxWaitMs: SQL): { name: string; value: SQL }[] {
  const isReschedule = conflict === "reschedule";
  return columnsWhere((place) => place.conflict === "content" || (isReschedule && place.conflict !== undefined)).map(
    (key) => {
      const { name } = soniqJobs[key];
      const excluded = sql`excluded.${sql.identifier(name)}`;
      const isMoved = jobColumns[key].conflict === "time";
      return { name, value: isMoved ? noLater(excluded, soniqJobs.createdAt, maxWaitMs) : excluded };
    },
  );
}

/** What a dead letter begins with when it is retried by hand, for an update. */
export function valuesOnRetry(): Partial<Record<JobColumn, SQL>> {
  return Object.fromEntries(
    columnsWhere(({ retry }) => retry !== undefined).map((name) => [name, jobColumns[name].retry]),
  );
}

/** Every time that a job has, that much earlier, for an update. */
export function earlierTimes(by: SQL): Partial<Record<JobColumn, SQL>> {
  return Object.fromEntries(
    columnsWhere((_, name) => isTime(name)).map((name) => [name, sql`${soniqJobs[name]} - ${by}`]),
  );
}

/** The columns that some reads tell. */
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
