import { eq, sql } from "drizzle-orm";
import { oneRow } from "../../core/fragments.js";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder } from "../../core/builder.js";
import { explainMissingTables } from "../../core/missing-tables.js";
import type { Queryable } from "../../core/queryable.js";
import { checkJobDefinition, type JobDefinition } from "../definition/define-job.js";
import { ringForResult } from "../../sessions/doorbell.js";
import type { JobError } from "../row/job.js";
import { idOf, type JobHandle } from "../row/job-handle.js";
import { jsonText, parseList, parseJson } from "../row/job-row.js";
import { type ResultDefinition, parseResult } from "../row/stored-result.js";

/** The status of a job, and its result if it has completed. */
export type JobResult<Result = unknown> =
  | { readonly status: "completed"; readonly result: Result }
  /** The job has not finished; `progress` is the last value that its handler reported. */
  | { readonly status: "pending"; readonly state: "queued" | "active"; readonly progress: unknown }
  /** The job is a dead letter. */
  | { readonly status: "dead"; readonly reason: string; readonly errors: readonly JobError[] }
  | { readonly status: "cancelled"; readonly reason: string }
  /**
   * The id was issued, but the job does not exist: it was pruned, or the transaction that enqueued it has not committed or was rolled
   * back.
   */
  | { readonly status: "expired" }
  /** This definition never had a job with that id. */
  | { readonly status: "unknown" };

/**
 * Reads the current status of a job, and its result if it has completed.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param handle the job's id, or the object that `enqueue` returned
 * @throws InvalidValueError if the definition's validator rejects the job's result
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function getResult<Name extends string, In, Out, ResultIn, ResultOut>(
  db: Queryable,
  job: JobDefinition<Name, In, Out, ResultIn, ResultOut>,
  handle: JobHandle<NoInfer<Name>>,
): Promise<JobResult<ResultOut>> {
  return findResult(db, job, idOf(handle), false);
}

/** @param subscribe whether to ask the workers for a NOTIFY when an unfinished job finishes; not for use on a transaction */
export async function findResult<ResultOut>(
  db: Queryable,
  job: ResultDefinition<ResultOut>,
  id: number,
  subscribe: boolean,
): Promise<JobResult<ResultOut>> {
  checkJobDefinition(job);
  if (!Number.isSafeInteger(id)) return { status: "unknown" };
  const [row] = await builder(db)
    .select({
      name: soniqJobs.name,
      state: soniqJobs.state,
      result: jsonText(soniqJobs.result),
      progress: jsonText(soniqJobs.progress),
      reason: sql<string>`coalesce(${soniqJobs.reason}, '')`,
      errors: jsonText(soniqJobs.errors),
      rung: subscribe ? ringForResult() : sql`null`,
    })
    .from(soniqJobs)
    .where(eq(soniqJobs.id, id))
    .catch(explainMissingTables);
  if (!row) return { status: (await wasIssued(db, id)) ? "expired" : "unknown" };
  if (row.name !== job.name) return { status: "unknown" };
  const { state, reason } = row;
  switch (state) {
    case "queued":
    case "active":
      return { status: "pending", state, progress: parseJson(row.progress) };
    case "completed":
      return { status: "completed", result: await parseResult(job, parseJson(row.result)) };
    case "cancelled":
      return { status: "cancelled", reason };
    case "dead":
      return { status: "dead", reason, errors: parseList<JobError>(row.errors) };
    default:
      return state satisfies never;
  }
}

/**
 * Whether an id was ever issued. Ids come from a sequence and never repeat. Returns false if the role may not read the sequence.
 */
async function wasIssued(db: Queryable, id: number): Promise<boolean> {
  const sequence = sql`pg_get_serial_sequence('soniq_jobs', 'id')`;
  const last = sql`case when has_sequence_privilege(${sequence}, 'select, usage') then pg_sequence_last_value(${sequence}::regclass) end`;
  const [found] = await builder(db)
    .select({ isIssued: sql<boolean | null>`${id}::bigint between 1 and ${last}` })
    .from(oneRow);
  return found?.isIssued ?? false;
}
