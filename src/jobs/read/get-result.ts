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
import { jsonText, listOf, valueOf } from "../row/job-row.js";
import { type ResultDefinition, resultOf } from "../row/stored-result.js";

/** What became of a job, as far as it is known. */
export type JobResult<Result = unknown> =
  | { readonly status: "completed"; readonly result: Result }
  /** It has not finished; `progress` is what its handler told last. */
  | { readonly status: "pending"; readonly state: "queued" | "active"; readonly progress: unknown }
  /** It is a dead letter. */
  | { readonly status: "dead"; readonly reason: string; readonly errors: readonly JobError[] }
  | { readonly status: "cancelled"; readonly reason: string }
  /** Its id was given out, and there is no job: it was pruned, or the transaction that enqueued it has not committed, or never will. */
  | { readonly status: "expired" }
  /** This definition never had a job of that id. */
  | { readonly status: "unknown" };

/**
 * What became of a job, at this moment.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param handle the job's id, or what `enqueue` returned
 * @throws InvalidValueError if the job's result is none that the definition's validator takes
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function getResult<Name extends string, In, Out, ResultIn, ResultOut>(
  db: Queryable,
  job: JobDefinition<Name, In, Out, ResultIn, ResultOut>,
  handle: JobHandle<NoInfer<Name>>,
): Promise<JobResult<ResultOut>> {
  return findResult(db, job, idOf(handle), false);
}

/** @param rings whether to ask workers to tell when it finishes, if it has not: then on no transaction */
export async function findResult<ResultOut>(
  db: Queryable,
  job: ResultDefinition<ResultOut>,
  id: number,
  rings: boolean,
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
      rung: rings ? ringForResult() : sql`null`,
    })
    .from(soniqJobs)
    .where(eq(soniqJobs.id, id))
    .catch(explainMissingTables);
  if (!row) return { status: (await wasGivenOut(db, id)) ? "expired" : "unknown" };
  if (row.name !== job.name) return { status: "unknown" };
  const { state, reason } = row;
  switch (state) {
    case "queued":
    case "active":
      return { status: "pending", state, progress: valueOf(row.progress) };
    case "completed":
      return { status: "completed", result: await resultOf(job, valueOf(row.result)) };
    case "cancelled":
      return { status: "cancelled", reason };
    case "dead":
      return { status: "dead", reason, errors: listOf<JobError>(row.errors) };
    default:
      return state satisfies never;
  }
}

/** Ids come from a sequence, and none comes twice. Who may not look at that learns nothing: then no. */
async function wasGivenOut(db: Queryable, id: number): Promise<boolean> {
  const sequence = sql`pg_get_serial_sequence('soniq_jobs', 'id')`;
  const last = sql`case when has_sequence_privilege(${sequence}, 'select, usage') then pg_sequence_last_value(${sequence}::regclass) end`;
  const [found] = await builder(db)
    .select({ givenOut: sql<boolean | null>`${id}::bigint between 1 and ${last}` })
    .from(oneRow);
  return found?.givenOut ?? false;
}
