import { type SQL, sql } from "drizzle-orm";
import { prepareStatement } from "../../core/prepare-statement.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/rows.js";
import { ring } from "../../sessions/doorbell.js";
import { insertJobs, type JobInput, typed } from "../row/job-columns.js";
import type { NewJob } from "./new-job.js";

/**
 * Inserts a job that has no unique key.
 *
 * @param rings whether a worker that waits is woken up
 * @returns its id
 */
export async function insert(db: Queryable, { payload, options }: NewJob, rings: boolean): Promise<number> {
  const statement = rings ? ringingInsertion : insertion;
  const [job] = await fetchRows<{ id: string | number }>(db, statement(db, { ...options, payload }));
  return Number((job as { id: string | number }).id);
}

const insertion = prepareStatement(() => sql`${insertJobs(placeholderOf)} returning id`);

const ringingInsertion = prepareStatement(
  () => sql`${insertJobs(placeholderOf)} returning id, ${ring(sql`${sql.placeholder("queue")}::text`)} as rung`,
);

function placeholderOf(input: JobInput): SQL {
  return typed(input, sql.placeholder(input));
}
