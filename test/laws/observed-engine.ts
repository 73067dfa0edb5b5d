import { type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import type { Sql } from "postgres";
import type { Queryable } from "../../src/core/queryable.ts";
import { type Connection, connect } from "../../src/database/connect.ts";

/** What PostgreSQL did for some statements. */
export interface Observed {
  /** The steps of their plans, such as `Index Scan on soniq_jobs using soniq_jobs_claim`. */
  readonly steps: readonly string[];
  /**
   * What their execution read, where it was anything: by index, the entries, dead ones included; by table, the rows that
   * scans of the whole table met.
   */
  readonly read: Readonly<Record<string, number>>;
  /** The blocks that they fetched, by index and table: what an index scan walks over without reading shows here alone. */
  readonly blocks: Readonly<Record<string, number>>;
}

/** All that was read, of whatever. */
export function rowsRead({ read }: Observed): number {
  return Object.values(read).reduce((sum, rows) => sum + rows, 0);
}

/** The indexes of the jobs that were read, and the table itself if it was scanned. */
export function waysToJobs({ read }: Observed): string[] {
  return Object.keys(read).filter((name) => name.startsWith("soniq_jobs"));
}

/** How the plans get at jobs. */
export function stepsAmongJobs(observed: Observed): Set<string> {
  return new Set(observed.steps.filter((step) => /Scan on soniq_jobs/.test(step)));
}

export const byPrimaryKey = "Index Scan on soniq_jobs using soniq_jobs_pkey";

/** A connection of the engine's, of which we see what becomes of its statements. */
export interface ObservedEngine {
  readonly db: Queryable;
  /** Runs statements, sees what they did, and rolls them back. */
  observe(run: (db: Queryable) => Promise<unknown>): Promise<Observed>;
  close: Connection["close"];
}

/** One connection, opened as the engine opens its own. */
export function observedEngine(url: string): ObservedEngine {
  const { db, close } = connect(url, 1);
  const statements: SQL[] = [];
  const logged = drizzle({
    client: (db as unknown as { session: { client: Sql } }).session.client,
    logger: { logQuery: (text, params) => statements.push(withParams(text, params)) },
  });
  return {
    db,
    close,
    async observe(run) {
      let observed!: Observed;
      const transaction = logged.transaction(async (tx) => {
        const before = await countersOf(tx);
        const from = statements.length;
        await run(tx);
        const to = statements.length;
        const after = await countersOf(tx);
        const planned = [];
        for (const statement of statements.slice(from, to)) planned.push(...(await explain(tx, statement)));
        observed = { steps: planned, read: grown(before, after, "rows"), blocks: grown(before, after, "blocks") };
        tx.rollback();
      });
      await transaction.catch((error: unknown) => {
        if (!observed) throw error;
      });
      return observed;
    },
  };
}

/** A statement with its parameters in their places, so that it can be sent as it was. */
function withParams(text: string, params: readonly unknown[]): SQL {
  const parts = text.split(/\$(\d+)/);
  return sql.join(parts.map((part, i) => (i % 2 === 0 ? sql.raw(part) : sql.param(params[Number(part) - 1]))));
}

interface Counter {
  readonly name: string;
  readonly rows: number;
  readonly blocks: number;
}

/** By PostgreSQL's own count, what this session read from each table and index since its counters were last collected. */
async function countersOf(db: Queryable): Promise<Counter[]> {
  const counters = await db.execute(sql`
    select relname as name, pg_stat_get_xact_tuples_returned(oid)::int as rows, pg_stat_get_xact_blocks_fetched(oid)::int as blocks
    from pg_class where relname like 'soniq\\_%' and relkind in ('r', 'i') order by relname`);
  return [...(counters as Iterable<Counter>)];
}

function grown(before: readonly Counter[], after: readonly Counter[], what: "rows" | "blocks"): Record<string, number> {
  const differences = after.map((counter, i) => [counter.name, counter[what] - (before[i] as Counter)[what]] as const);
  return Object.fromEntries(differences.filter(([, difference]) => difference > 0));
}

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly Plans?: readonly PlanNode[];
}

async function explain(db: Queryable, statement: SQL): Promise<string[]> {
  const [row] = (await db.execute(sql`explain (format json) ${statement}`)) as [{ "QUERY PLAN": string | unknown }];
  const json = row["QUERY PLAN"];
  const [{ Plan }] = (typeof json === "string" ? JSON.parse(json) : json) as [{ Plan: PlanNode }];
  return steps(Plan);
}

function steps(node: PlanNode): string[] {
  const { "Node Type": type, "Relation Name": table, "Index Name": index, Plans: inner = [] } = node;
  return [`${type}${table ? ` on ${table}` : ""}${index ? ` using ${index}` : ""}`, ...inner.flatMap(steps)];
}
