import { type SQL, sql } from "drizzle-orm";
import { prepareStatement } from "../../core/prepare-statement.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/fetch-rows.js";
import { ring } from "../../sessions/doorbell.js";
import { buildJobInsert, type JobInput, castInput } from "../row/job-columns.js";
import type { NewJob } from "./new-job.js";

/**
 * Inserts a job without a unique key.
 *
 * @param notify whether to wake a waiting worker
 * @returns the job's id
 */
export async function insertJob(db: Queryable, { payload, options }: NewJob, notify: boolean): Promise<number> {
  const statement = notify ? insertAndRingStatement : insertStatement;
  const [job] = await fetchRows<{ id: string | number }>(db, statement(db, { ...options, payload }));
  return Number((job as { id: string | number }).id);
}

const insertStatement = prepareStatement(() => sql`${buildJobInsert(toPlaceholder)} returning id`);

const insertAndRingStatement = prepareStatement(
  () => sql`${buildJobInsert(toPlaceholder)} returning id, ${ring(sql`${sql.placeholder("queue")}::text`)} as rung`,
);

function toPlaceholder(input: JobInput): SQL {
  return castInput(input, sql.placeholder(input));
}
