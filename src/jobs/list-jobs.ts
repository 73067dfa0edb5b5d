import { and, desc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { InvalidValueError, shown } from "../core/errors.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import type { JobSummary } from "./job.js";
import { selectSummaries, summaryOf } from "./job-row.js";

/** Which jobs to list: those that fit all of it. */
export interface JobFilter {
  readonly state?: JobSummary["state"];
  readonly queue?: string;
  readonly name?: string;
  readonly tag?: string;
  /** Only jobs of lower ids: the `next` of the page before. */
  readonly before?: number;
  /** How many at the most, from 1 to 1000. Default 50. */
  readonly limit?: number;
}

/** Jobs, newest first. */
export interface JobPage {
  readonly jobs: JobSummary[];
  /** Where to go on; undefined when no job is left. A page may hold few jobs, or none, and not be the last. */
  readonly next: number | undefined;
}

/** How many jobs one page may pass over: few filters have an index, and none is worth a scan of the table. */
const mostPassedOver = 10_000;

/**
 * Lists jobs, newest first. Looks at 10,000 jobs at the most, whether they fit or not: go on with `next`.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @throws InvalidValueError for a limit out of range
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listJobs(db: Queryable, filter: JobFilter = {}): Promise<JobPage> {
  const { state, queue, name, tag, before = Number.MAX_SAFE_INTEGER, limit = 50 } = filter;
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
    throw new InvalidValueError("limit", `is ${shown(limit)}: give a whole number from 1 to 1000`);
  // These are few, and the oldest of a backlog: an index of their own finds them.
  const floor = state === "active" ? undefined : await findFloor(db, before).catch(explainMissingTables);
  const rows = await selectSummaries(db)
    .where(
      and(
        lt(soniqJobs.id, before),
        floor === undefined ? undefined : gte(soniqJobs.id, floor),
        state === "active" ? isActive : state && eq(soniqJobs.state, state),
        queue === undefined ? undefined : eq(soniqJobs.queue, queue),
        name === undefined ? undefined : eq(soniqJobs.name, name),
        tag === undefined ? undefined : sql`${soniqJobs.tags} @> to_jsonb(${tag}::text)`,
      ),
    )
    .orderBy(desc(soniqJobs.id))
    .limit(limit)
    .catch(explainMissingTables);
  return { jobs: rows.map(summaryOf), next: rows.length === limit ? rows.at(-1)?.id : floor };
}

const isActive: SQL = sql`${soniqJobs.id} = any (array(select id from ${soniqJobs} where state = 'active'))`;

/** Where a page ends that began there; undefined if the oldest job comes first. */
async function findFloor(db: Queryable, before: number): Promise<number | undefined> {
  const [last] = await builder(db)
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(lt(soniqJobs.id, before))
    .orderBy(desc(soniqJobs.id))
    .offset(mostPassedOver - 1)
    .limit(1);
  return last?.id;
}
