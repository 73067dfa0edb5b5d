import { and, eq, or, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { anyId, builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import { oneRow, timeAgo, timeText } from "../../core/fragments.js";

/** Finished jobs of one state that are past their retention. */
export interface PruneInput {
  readonly state: "completed" | "cancelled" | "dead";
  /** Those that finished before this time: see {@link findPruneHorizon}. */
  readonly before: string;
  /** Of these names only, or of all but these; by default, of all. */
  readonly names?: { readonly only: readonly string[] } | { readonly except: readonly string[] };
  /** Jobs that these have rows for are left out: see {@link findReferences}. */
  readonly references?: readonly Reference[];
  /** Where the page before ended. What earlier pages deleted is not walked again. */
  readonly after: PrunePosition;
  /** How many jobs to walk over, at the most: others than these lie among them, which are kept longer. */
  readonly limit: number;
}

/** What one walk found. */
export interface PrunePage {
  /** The jobs to delete, oldest first. */
  readonly ids: readonly number[];
  /** How many others are past their retention, and kept by a foreign key. */
  readonly kept: number;
  /** Where it ended; undefined if nothing is left before the horizon. */
  readonly next: PrunePosition | undefined;
}

/** A foreign key to the jobs that forbids their deletion. Table and column are quoted. */
export interface Reference {
  readonly table: string;
  readonly column: string;
}

/** The `finished_at` and `id` of a job. `finishedAt` is a text, since a Date would lose its microseconds. */
export interface PrunePosition {
  readonly finishedAt: string;
  readonly id: number;
}

export const pruneFromTheBeginning: PrunePosition = { finishedAt: "-infinity", id: 0 };

/** The foreign keys that forbid the deletion of a job, of tables that may be read. */
export async function findReferences(db: Queryable): Promise<Reference[]> {
  return builder(db)
    .select({
      table: sql<string>`pg_catalog.format('%I.%I', nspname, relname)`,
      column: sql<string>`quote_ident(attname)`,
    })
    .from(sql`pg_constraint`)
    .innerJoin(sql`pg_class`, sql`pg_class.oid = conrelid`)
    .innerJoin(sql`pg_namespace`, sql`pg_namespace.oid = relnamespace`)
    .innerJoin(sql`pg_attribute`, sql`attrelid = conrelid and attnum = conkey[1]`)
    .where(
      // No action, and restrict. Others delete the row with the job, or its reference.
      sql`contype = 'f' and confrelid = to_regclass('soniq_jobs') and confdeltype in ('a', 'r')
        and has_schema_privilege(relnamespace, 'usage') and has_table_privilege(conrelid, 'select')`,
    );
}

/** The time before which finished jobs are past a retention, as a text. */
export async function findPruneHorizon(db: Queryable, retentionMs: number): Promise<string> {
  const [found] = await builder(db)
    .select({ horizon: timeText(timeAgo(retentionMs)) })
    .from(oneRow);
  return (found as { horizon: string }).horizon;
}

/**
 * The next jobs to delete. Keys that are held past the job's end are spared until they expire.
 *
 * It walks so many jobs and no more, whether or not they are to be deleted: few of them among very many that are kept
 * longer would else be searched for beyond the statement's time, and again from the beginning.
 */
export async function findPrunable(
  db: Queryable,
  { state, before, names, references = [], after, limit }: PruneInput,
): Promise<PrunePage> {
  const page = new QueryBuilder()
    .select({
      id: soniqJobs.id,
      finishedAt: soniqJobs.finishedAt,
      prunable: sql<boolean>`${and(
        sql`${soniqJobs.state} = ${sql.raw(`'${state}'`)}`,
        names && areOf(names),
        sql`not (${soniqJobs.uniqueHeld} and coalesce(${soniqJobs.uniqueExpiresAt} > now(), false))`,
      )}`.as("prunable"),
      referenced: sql<boolean>`${or(sql`false`, ...references.map(isReferencedBy))}`.as("referenced"),
    })
    .from(soniqJobs)
    .where(
      and(
        // Literal: of the dead there is a partial index. The others share one.
        state === "dead" ? sql`${soniqJobs.state} = 'dead'` : undefined,
        sql`(${soniqJobs.finishedAt}, ${soniqJobs.id}) > (${after.finishedAt}::timestamptz, ${after.id}::bigint)`,
        sql`${soniqJobs.finishedAt} < ${before}::timestamptz`,
      ),
    )
    .orderBy(soniqJobs.finishedAt, soniqJobs.id)
    .limit(limit)
    .as("page");
  const ofPage = sql`${page.id} order by ${page.finishedAt}, ${page.id}`;
  const [found] = await builder(db)
    .select({
      ids: sql<string>`coalesce(pg_catalog.json_agg(${ofPage}) filter (where ${page.prunable} and not ${page.referenced}), '[]')::text`,
      kept: sql<number>`(count(*) filter (where ${page.prunable} and ${page.referenced}))::int`,
      walked: sql<number>`count(*)::int`,
      finishedAt: timeText(sql`max(${page.finishedAt})`),
      id: sql<number>`((pg_catalog.array_agg(${ofPage}))[count(*)])::float8`,
    })
    .from(page);
  const { ids, kept, walked, finishedAt, id } = found as NonNullable<typeof found>;
  return { ids: JSON.parse(ids) as number[], kept, next: walked < limit ? undefined : { finishedAt, id } };
}

function isReferencedBy({ table, column }: Reference): SQL {
  return sql`exists (select 1 from ${sql.raw(table)} as referencing where referencing.${sql.raw(column)} = ${soniqJobs.id})`;
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
