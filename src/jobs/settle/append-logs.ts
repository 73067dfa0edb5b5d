import { type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { anyId, builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";

/** A job keeps its last lines. */
export const keptLines = 100;

/** What one claim's handler has logged. */
export interface LoggedLines {
  readonly workerId: string;
  readonly id: number;
  /** The fence of the claim. */
  readonly claimToken: number;
  /** JSON texts, in order. */
  readonly lines: readonly string[];
}

/**
 * Appends to the logs of active jobs, for the claims that still stand. Rows that others have locked are passed over.
 * What was appended before is not appended again.
 *
 * @returns those that are written; the others go with a later call, or with the settle
 */
export async function appendLogs(db: Queryable, logged: readonly LoggedLines[]): Promise<LoggedLines[]> {
  const rows = `[${logged.map(rowJson).join()}]`;
  const free = new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(sql`${soniqJobs.id} = ${anyId(logged.map(({ id }) => id))}`)
    .orderBy(soniqJobs.id)
    .for("no key update", { skipLocked: true });
  const appended = await builder(db)
    .update(soniqJobs)
    .set({ logs: logsWith(sql`s.logs`) })
    .from(
      sql`(select * from jsonb_to_recordset(${rows}::text::jsonb) as row ("workerId" uuid, id bigint, token int, logs jsonb) limit ${logged.length}) as s`,
    )
    .where(
      sql`${soniqJobs.id} = s.id and ${soniqJobs.claimToken} = s.token and ${soniqJobs.workerId} = s."workerId" and ${soniqJobs.id} = any (array(${free}))`,
    )
    .returning({ id: soniqJobs.id, claimToken: soniqJobs.claimToken });
  const tokens = new Map(appended.map((job) => [job.id, job.claimToken]));
  return logged.filter((one) => tokens.get(one.id) === one.claimToken);
}

/** Lines as one JSON text. */
export function linesJson(lines: readonly string[]): string {
  return `[${lines.join()}]`;
}

function rowJson({ workerId, id, claimToken, lines }: LoggedLines): string {
  return `${JSON.stringify({ workerId, id, token: claimToken }).slice(0, -1)},"logs":${linesJson(lines)}}`;
}

/**
 * A claimed job's logs with more lines, without the oldest of those that are too many. Lines that are there already, since
 * the reply of an earlier try was lost, are known by their time, which no two lines of a job share.
 */
export function logsWith(lines: SQL): SQL {
  // Plain SQL may have put anything there.
  const kept = sql`case when jsonb_typeof(${soniqJobs.logs}) = 'array' then ${soniqJobs.logs} else '[]' end`;
  const at = sql`to_char((${soniqJobs.claimedAt} + (line ->> 'afterUs')::bigint * interval '1 microsecond') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  return sql`(select coalesce(pg_catalog.jsonb_agg(line order by place), '[]') from (
    select line, place from (
      select line, place from jsonb_array_elements(${kept}) with ordinality as kept (line, place)
      union all
      select line, jsonb_array_length(${kept}) + place from (
        select pg_catalog.jsonb_build_object('at', ${at}) || (line - 'afterUs') as line, place from jsonb_array_elements(${lines}) with ordinality as sent (line, place)
      ) as timed where not ${kept} @> pg_catalog.jsonb_build_array(line)
    ) as every order by place desc limit ${sql.raw(String(keptLines))}
  ) as newest)`;
}
