import { and, eq, or, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { anyId, builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import { oneRow, timeAgo, timeText } from "../../core/fragments.js";

/** Finished jobs of one state that are past their retention. */
export interface PruneInput {
  readonly state: "completed" | "cancelled" | "dead";
  /** Only jobs that finished before this time: see {@link findPruneHorizon}. */
  readonly before: string;
  /** Only jobs of these names, or of all other names. Default: all jobs. */
  readonly names?: { readonly only: readonly string[] } | { readonly except: readonly string[] };
  /** Jobs that these foreign keys reference are left out: see {@link findReferences}. */
  readonly references?: readonly Reference[];
  /** The end of the previous page. The index entries of jobs that earlier pages deleted are not walked again. */
  readonly after: PrunePosition;
  /** How many jobs to scan at most, including the jobs among them that are kept longer. */
  readonly limit: number;
}

/** The result of one scan. */
export interface PrunePage {
  /** The jobs to delete, oldest first. */
  readonly ids: readonly number[];
  /** How many more jobs are past their retention, but kept by a foreign key. */
  readonly kept: number;
  /** The end of this page; undefined if no job is left before the horizon. */
  readonly next: PrunePosition | undefined;
}

/** A foreign key to the jobs that forbids their deletion. Table and column are quoted. */
export interface Reference {
  readonly table: string;
  readonly column: string;
}

/** The `finished_at` and `id` of a job. `finishedAt` is a string, because a Date would lose its microseconds. */
export interface PrunePosition {
  readonly finishedAt: string;
  readonly id: number;
}

export const pruneStart: PrunePosition = { finishedAt: "-infinity", id: 0 };

/** Finds the foreign keys that forbid the deletion of a job, in tables that this role may read. */
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
      // `no action` and `restrict`. The other actions delete the referencing row with the job, or clear its reference.
      sql`contype = 'f' and confrelid = to_regclass('soniq_jobs') and confdeltype in ('a', 'r')
        and has_schema_privilege(relnamespace, 'usage') and has_table_privilege(conrelid, 'select')`,
    );
}

/** Returns the time before which finished jobs are past a retention, as a text. */
export async function findPruneHorizon(db: Queryable, retentionMs: number): Promise<string> {
  const [found] = await builder(db)
    .select({ horizon: timeText(timeAgo(retentionMs)) })
    .from(oneRow);
  return (found as { horizon: string }).horizon;
}

/**
 * Finds the next jobs to delete. A job whose key is held past its end is spared until the key expires.
 *
 * Scans at most `limit` jobs, whether they are deletable or not. Without that bound, the search for a few deletable jobs among
 * very many that are kept longer would exceed the statement timeout, and would then start over.
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
        names && matchesNames(names),
        sql`not (${soniqJobs.uniqueHeld} and coalesce(${soniqJobs.uniqueExpiresAt} > now(), false))`,
      )}`.as("prunable"),
      referenced: sql<boolean>`${or(sql`false`, ...references.map(isReferencedBy))}`.as("referenced"),
    })
    .from(soniqJobs)
    .where(
      and(
        // A literal, because dead jobs have a partial index. The other states share an index.
        state === "dead" ? sql`${soniqJobs.state} = 'dead'` : undefined,
        sql`(${soniqJobs.finishedAt}, ${soniqJobs.id}) > (${after.finishedAt}::timestamptz, ${after.id}::bigint)`,
        sql`${soniqJobs.finishedAt} < ${before}::timestamptz`,
      ),
    )
    .orderBy(soniqJobs.finishedAt, soniqJobs.id)
    .limit(limit)
    .as("page");
  const orderedIds = sql`${page.id} order by ${page.finishedAt}, ${page.id}`;
  const [found] = await builder(db)
    .select({
      ids: sql<string>`coalesce(pg_catalog.json_agg(${orderedIds}) filter (where ${page.prunable} and not ${page.referenced}), '[]')::text`,
      kept: sql<number>`(count(*) filter (where ${page.prunable} and ${page.referenced}))::int`,
      scanned: sql<number>`count(*)::int`,
      finishedAt: timeText(sql`max(${page.finishedAt})`),
      id: sql<number>`((pg_catalog.array_agg(${orderedIds}))[count(*)])::float8`,
    })
    .from(page);
  const { ids, kept, scanned, finishedAt, id } = found as NonNullable<typeof found>;
  return { ids: JSON.parse(ids) as number[], kept, next: scanned < limit ? undefined : { finishedAt, id } };
}

function isReferencedBy({ table, column }: Reference): SQL {
  return sql`exists (select 1 from ${sql.raw(table)} as referencing where referencing.${sql.raw(column)} = ${soniqJobs.id})`;
}

function matchesNames(names: NonNullable<PruneInput["names"]>): SQL {
  const list = (all: readonly string[]) =>
    sql`(array(select jsonb_array_elements_text(${JSON.stringify(all)}::text::jsonb)))`;
  return "only" in names
    ? sql`${soniqJobs.name} = any ${list(names.only)}`
    : sql`${soniqJobs.name} <> all ${list(names.except)}`;
}

/**
 * completed | cancelled | dead → deleted. Rows that others have locked are left for the next full run.
 *
 * @returns the ids of the jobs that were deleted
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
  const deleted = await builder(db)
    .delete(soniqJobs)
    .where(sql`${soniqJobs.id} = any (array(${free}))`)
    .returning({ id: soniqJobs.id });
  return deleted.map(({ id }) => id);
}
