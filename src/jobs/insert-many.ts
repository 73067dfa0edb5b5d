import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { batches } from "../core/batches.js";
import { each } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { rowsOf } from "../core/rows.js";
import { dueFrom } from "./due.js";
import type { JobOptions, NewJob } from "./new-job.js";
import { onConflict, runAtOf, wasThere } from "./on-conflict.js";
import { holdsKey, isOver } from "./unique-key.js";
import { uniqueRule } from "./unique-settings.js";

const rowsPerStatement = 5_000;

/** A job as it was inserted, or changed where it waited. */
export interface Inserted {
  readonly id: number;
  readonly key: string | null;
  /** Whether it was there before. */
  readonly deduplicated: boolean;
}

/**
 * Inserts jobs of one definition, a few thousand per statement.
 *
 * @param rows all of them with a key, each of its own and in order, or all without
 * @param frees whether keys that are over are freed before
 * @returns in the order of the ids; those whose key another job holds, that was not to be changed or does not wait, are missing
 */
export async function insertMany(tx: Queryable, rows: readonly NewJob[], frees: boolean): Promise<Inserted[]> {
  const inserted: Inserted[] = [];
  for (const batch of batches(rows, rowsPerStatement, bytesOf)) inserted.push(...(await insertBatch(tx, batch, frees)));
  return inserted;
}

function bytesOf({ payload, options: { tags, meta } }: NewJob): number {
  return Buffer.byteLength(payload) + Buffer.byteLength(tags) + Buffer.byteLength(meta);
}

async function insertBatch(tx: Queryable, rows: readonly NewJob[], frees: boolean): Promise<Inserted[]> {
  const { options: common } = rows[0] as NewJob;
  const alike = rows.every(({ options, uniqueKey }) => options === common && uniqueKey === null);
  // A builder's `insert … select` would have to list every column: this one leaves the defaults to the table.
  const inserted = await rowsOf<{ id: string | number; key?: string; deduplicated?: boolean }>(
    tx,
    alike ? insertAlike(rows, common) : insertEach(rows, common, frees),
  );
  return inserted
    .map(({ id, key = null, deduplicated = false }) => ({ id: Number(id), key, deduplicated }))
    .toSorted((a, b) => a.id - b.id);
}

/** Jobs that differ in nothing but their payloads: PostgreSQL spends as long on reading JSON as on inserting. */
function insertAlike(rows: readonly NewJob[], common: JobOptions): SQL {
  const { name, queue, priority, maxAttempts, tags, meta, runAtMs = null, delayMs = null } = common;
  const payloads = `[${rows.map(({ payload }) => payload).join()}]`;
  return sql`insert into ${soniqJobs} (name, queue, priority, max_attempts, payload, tags, meta, run_at)
    select ${name}::text, ${queue}, ${priority}::int, ${maxAttempts}::int, payload, ${tags}::text::jsonb, ${meta}::text::jsonb,
      ${dueFrom(sql`${runAtMs}::float8`, sql`${delayMs}::float8`)}
    from jsonb_array_elements(${payloads}::text::jsonb) as payload
    returning id`;
}

function insertEach(rows: readonly NewJob[], common: JobOptions, frees: boolean): SQL {
  const rule = rows[0]?.uniqueKey === null ? uniqueRule(undefined) : common;
  const { onConflict: conflict, uniqueUntil, withinMs } = rule;
  const maxWaitMs = sql`${rule.maxWaitMs}`;
  const json = `[${rows.map((row) => rowJson(row, common)).join()}]`;
  // It reads what was freed, or they would be carried out in any order.
  const afterwards = frees ? sql`where (select count(*) from freed) >= 0` : sql``;
  return sql`${frees ? freed(rows) : sql``}
    insert into ${soniqJobs} (name, queue, priority, max_attempts, payload, tags, meta, unique_key, unique_until, unique_expires_at, run_at)
    select ${common.name}::text, coalesce(queue, ${common.queue}), coalesce(priority, ${common.priority}::int),
      coalesce("maxAttempts", ${common.maxAttempts}::int), coalesce(payload, 'null'), coalesce(tags, ${common.tags}::text::jsonb),
      coalesce(meta, ${common.meta}::text::jsonb), "uniqueKey", ${uniqueUntil},
      clock_timestamp() + ${withinMs}::float8 * interval '1 millisecond', ${runAtOf(conflict, sql`"runAtMs"`, sql`"delayMs"`, maxWaitMs)}
    from jsonb_to_recordset(${json}::text::jsonb) as row (queue text, priority int, "maxAttempts" int, payload jsonb,
      tags jsonb, meta jsonb, "uniqueKey" text, "runAtMs" float8, "delayMs" float8)
    ${afterwards}
    ${onConflict(conflict, maxWaitMs)}
    returning id, unique_key as key, ${wasThere(conflict)} as deduplicated`;
}

/** Locked in the keys' order, or two of these would wait for each other. */
function freed(rows: readonly NewJob[]): SQL {
  const keys = rows.map(({ uniqueKey }) => uniqueKey as string);
  return sql`with freed as (
    update ${soniqJobs} set unique_held = false where id = any (array(
      select id from ${soniqJobs} where unique_key = any (array(select ${each(keys)})) and ${holdsKey} and ${isOver}
      order by unique_key for no key update))
    returning id)`;
}

function rowJson({ payload, uniqueKey, options }: NewJob, common: JobOptions): string {
  const { queue, priority, maxAttempts, tags, meta, runAtMs, delayMs } = options;
  const shared = options === common;
  const columns = { uniqueKey, runAtMs, delayMs, ...(!shared && { queue, priority, maxAttempts }) };
  // Spliced: payload, tags and meta are JSON texts already.
  const texts = shared ? "" : `,"tags":${tags},"meta":${meta}`;
  return `${JSON.stringify(columns).slice(0, -1)},"payload":${payload}${texts}}`;
}
