import { and, desc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { explainMissingTables } from "../core/missing-tables.js";
import { checkedLimit, idOfCursor, type PageOptions } from "../core/page.js";
import type { Queryable } from "../core/queryable.js";
import type { JobSummary } from "./job.js";
import { selectSummaries, summaryOf } from "./job-row.js";

/** Which jobs to list: those that fit all of it. */
export interface JobFilter {
  readonly state?: JobSummary["state"];
  readonly queue?: string;
  readonly name?: string;
  readonly tag?: string;
}

/** Jobs, newest first. */
export interface JobPage {
  readonly jobs: readonly JobSummary[];
  /** Where the next page begins; undefined if no job is left. A page may hold few jobs, or none, and not be the last. */
  readonly next: string | undefined;
}

/** How many jobs one page may pass over: few filters have an index, and none is worth a scan of the table. */
const mostPassedOver = 10_000;

/**
 * Lists jobs, newest first. Looks at 10,000 jobs at the most, whether they fit or not: go on with `next`.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param page `cursor`: the `next` of the page before; `limit`: from 1 to 1000, default 50
 * @throws InvalidValueError before any SQL, for a cursor or limit that is none
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function listJobs(db: Queryable, filter: JobFilter = {}, page: PageOptions = {}): Promise<JobPage> {
  const { state, queue, name, tag } = filter;
  const before = idOfCursor(page.cursor);
  const limit = checkedLimit(page.limit);
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
  const last = rows.length === limit ? rows.at(-1)?.id : floor;
  return { jobs: rows.map(summaryOf), next: last?.toString() };
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
