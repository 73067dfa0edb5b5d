import { and, eq, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../schema/jobs.js";
import { anyId, builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** Finished jobs of one state that are past their retention. */
export interface PruneInput {
  readonly state: "completed" | "cancelled" | "dead";
  /** Those that finished before this time: see {@link findPruneHorizon}. */
  readonly before: string;
  /** Of these names only, or of all but these; by default, of all. */
  readonly names?: { readonly only: readonly string[] } | { readonly except: readonly string[] };
  /** Where the batch before ended: `finished_at` and `id`. What earlier batches deleted is not walked again. */
  readonly after: PruneMark;
  readonly limit: number;
}

/** `finishedAt` is a text, since a Date would lose its microseconds. */
export interface PruneMark {
  readonly finishedAt: string;
  readonly id: number;
}

export const pruneFromTheBeginning: PruneMark = { finishedAt: "-infinity", id: 0 };

/** The time before which finished jobs are past a retention, as a text. */
export async function findPruneHorizon(db: Queryable, retentionMs: number): Promise<string> {
  const [found] = await builder(db)
    .select({ horizon: sql<string>`(now() - ${retentionMs}::float8 * interval '1 millisecond')::text` })
    .from(sql`(values (1)) as one`);
  return (found as { horizon: string }).horizon;
}

/** The next batch to delete, oldest first. Keys that are held past the job's end are spared until they expire. */
export async function findPrunable(
  db: Queryable,
  { state, before, names, after, limit }: PruneInput,
): Promise<PruneMark[]> {
  return builder(db)
    .select({ id: soniqJobs.id, finishedAt: sql<string>`${soniqJobs.finishedAt}::text` })
    .from(soniqJobs)
    .where(
      and(
        // Literal for `dead`, whose partial index serves here.
        sql`${soniqJobs.state} = ${sql.raw(`'${state}'`)}`,
        sql`(${soniqJobs.finishedAt}, ${soniqJobs.id}) > (${after.finishedAt}::timestamptz, ${after.id}::bigint)`,
        sql`${soniqJobs.finishedAt} < ${before}::timestamptz`,
        names && areOf(names),
        sql`not (${soniqJobs.uniqueHeld} and coalesce(${soniqJobs.uniqueExpiresAt} > now(), false))`,
      ),
    )
    .orderBy(soniqJobs.finishedAt, soniqJobs.id)
    .limit(limit);
}

function areOf(names: NonNullable<PruneInput["names"]>): SQL {
  const list = (all: readonly string[]) =>
    sql`(array(select jsonb_array_elements_text(${JSON.stringify(all)}::text::jsonb)))`;
  return "only" in names
    ? sql`${soniqJobs.name} = any ${list(names.only)}`
    : sql`${soniqJobs.name} <> all ${list(names.except)}`;
}

/**
 * completed | cancelled | dead → gone. Rows that others have locked are left for the next full round.
 *
 * @returns the jobs that are gone
 */
export async function deleteFinished(
  db: Queryable,
  state: PruneInput["state"],
  ids: readonly number[],
): Promise<number[]> {
  const free = new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.id} = ${anyId(ids)}`, eq(soniqJobs.state, state)))
    .for("update", { skipLocked: true });
  const gone = await builder(db)
    .delete(soniqJobs)
    .where(sql`${soniqJobs.id} = any (array(${free}))`)
    .returning({ id: soniqJobs.id });
  return gone.map(({ id }) => id);
}
