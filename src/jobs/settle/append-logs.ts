import { type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { anyId, builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";

/** A job keeps its last 100 log lines. */
export const maxLogLines = 100;

/** The lines that the handler of one claim has logged. */
export interface LoggedLines {
  readonly workerId: string;
  readonly id: number;
  /** The fence of the claim. */
  readonly claimToken: number;
  /** JSON texts, in order. */
  readonly lines: readonly string[];
}

/**
 * Appends to the logs of active jobs whose claims still stand. Skips rows that other transactions have locked, and lines that an
 * earlier call has already appended.
 *
 * @returns the entries that were written; pass the rest to a later call, or to the settle
 */
export async function appendLogs(db: Queryable, entries: readonly LoggedLines[]): Promise<LoggedLines[]> {
  const rows = `[${entries.map(toRowJson).join()}]`;
  const unlocked = new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(sql`${soniqJobs.id} = ${anyId(entries.map(({ id }) => id))}`)
    .orderBy(soniqJobs.id)
    .for("no key update", { skipLocked: true });
  const appended = await builder(db)
    .update(soniqJobs)
    .set({ logs: appendToLogs(sql`s.logs`) })
    .from(
      sql`(select * from jsonb_to_recordset(${rows}::text::jsonb) as row ("workerId" uuid, id bigint, token int, logs jsonb) limit ${entries.length}) as s`,
    )
    .where(
      sql`${soniqJobs.id} = s.id and ${soniqJobs.claimToken} = s.token and ${soniqJobs.workerId} = s."workerId" and ${soniqJobs.id} = any (array(${unlocked}))`,
    )
    .returning({ id: soniqJobs.id, claimToken: soniqJobs.claimToken });
  const tokens = new Map(appended.map((job) => [job.id, job.claimToken]));
  return entries.filter((entry) => tokens.get(entry.id) === entry.claimToken);
}

/** Joins lines to one JSON text. */
export function toLinesJson(lines: readonly string[]): string {
  return `[${lines.join()}]`;
}

function toRowJson({ workerId, id, claimToken, lines }: LoggedLines): string {
  return `${JSON.stringify({ workerId, id, token: claimToken }).slice(0, -1)},"logs":${toLinesJson(lines)}}`;
}

/**
 * Appends lines to a claimed job's logs, and drops the oldest lines over the limit. If the reply of an earlier try was lost, its
 * lines are already stored. Their times identify them, because no two lines of a job share a time.
 */
export function appendToLogs(lines: SQL): SQL {
  // Plain SQL may have stored anything here.
  const stored = sql`case when jsonb_typeof(${soniqJobs.logs}) = 'array' then ${soniqJobs.logs} else '[]' end`;
  const at = sql`to_char((${soniqJobs.claimedAt} + (line ->> 'afterUs')::bigint * interval '1 microsecond') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  return sql`(select coalesce(pg_catalog.jsonb_agg(line order by place), '[]') from (
    select line, place from (
      select line, place from jsonb_array_elements(${stored}) with ordinality as kept (line, place)
      union all
      select line, jsonb_array_length(${stored}) + place from (
        select pg_catalog.jsonb_build_object('at', ${at}) || (line - 'afterUs') as line, place from jsonb_array_elements(${lines}) with ordinality as sent (line, place)
      ) as timed where not ${stored} @> pg_catalog.jsonb_build_array(line)
    ) as every order by place desc limit ${sql.raw(String(maxLogLines))}
  ) as newest)`;
}
