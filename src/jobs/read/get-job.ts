import { eq } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { explainMissingTables } from "../../core/missing-tables.js";
import type { Queryable } from "../../core/queryable.js";
import { isJobDefinition, type JobDefinition } from "../definition/define-job.js";
import type { Job } from "../row/job.js";
import { idOf, type JobHandle } from "../row/job-handle.js";
import { toJob, selectJobs } from "../row/job-row.js";
import { parseResult } from "../row/stored-result.js";

/**
 * Reads a job of a definition.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param handle the job's id, or the object that `enqueue` returned
 * @returns undefined if this definition has no such job, or if the job was deleted
 * @throws InvalidValueError if the definition's validator rejects the job's result
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function getJob<Name extends string, In, Out, ResultIn, ResultOut>(
  db: Queryable,
  job: JobDefinition<Name, In, Out, ResultIn, ResultOut>,
  handle: JobHandle<NoInfer<Name>>,
): Promise<Job<Name, In, ResultOut> | undefined>;
/** Reads a job of any definition, with payload and result as they are stored. */
export async function getJob(db: Queryable, id: number): Promise<Job | undefined>;
export async function getJob(
  db: Queryable,
  jobOrId: JobDefinition | number,
  handle?: JobHandle,
): Promise<Job | undefined> {
  if (!isJobDefinition(jobOrId)) return findJob(db, idOf(jobOrId));
  const found = await findJob(db, idOf(handle));
  if (found?.name !== jobOrId.name) return undefined;
  return found.state === "completed" ? { ...found, result: await parseResult(jobOrId, found.result) } : found;
}

async function findJob(db: Queryable, id: number): Promise<Job | undefined> {
  if (!Number.isSafeInteger(id)) return undefined;
  const [row] = await selectJobs(db).where(eq(soniqJobs.id, id)).catch(explainMissingTables);
  return row && toJob(row);
}
