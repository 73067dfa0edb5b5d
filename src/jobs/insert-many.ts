import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { batches } from "../core/batches.js";
import { each } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { rowsOf } from "../core/rows.js";
import { ring } from "./doorbell.js";
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
 * Inserts jobs of one definition, a few thousand per statement, and wakes up workers that wait for them. With keys, those
 * that are over are freed before, and what holds the others is found: each in the same statement.
 *
 * @param rows all of them with a key, each of its own and in order, or all without
 * @param queues where workers are to be woken up
 * @returns in the order of the ids; only a job whose key another one took or freed while the statement ran is missing
 */
export async function insertMany(
  tx: Queryable,
  rows: readonly NewJob[],
  queues: readonly string[],
): Promise<Inserted[]> {
  const inserted: Inserted[] = [];
  for (const batch of batchesOf(rows)) inserted.push(...(await insertBatch(tx, batch, queues)));
  return inserted;
}

/** Whether all of these go in one statement. */
export function isOneBatch(rows: readonly NewJob[]): boolean {
  const all = batchesOf(rows);
  all.next();
  return all.next().done === true;
}

const batchesOf = (rows: readonly NewJob[]) => batches(rows, rowsPerStatement, bytesOf);

function bytesOf({ payload, options: { tags, meta } }: NewJob): number {
  return Buffer.byteLength(payload) + Buffer.byteLength(tags) + Buffer.byteLength(meta);
}

async function insertBatch(tx: Queryable, rows: readonly NewJob[], queues: readonly string[]): Promise<Inserted[]> {
  const { options: common } = rows[0] as NewJob;
  const alike = rows.every(({ options, uniqueKey }) => options === common && uniqueKey === null);
  // A builder's `insert … select` would have to list every column: this one leaves the defaults to the table.
  const inserted = await rowsOf<{ id: string | number; key?: string; deduplicated?: boolean }>(
    tx,
    rows[0]?.uniqueKey === null
      ? ringing(sql`${alike ? insertAlike(rows, common) : insertEach(rows, common)}`, queues)
      : insertKeyed(rows, common, queues),
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

/** One statement, so that what it inserts is there with the bell or not at all, in one round trip. */
function ringing(insertion: SQL, queues: readonly string[]): SQL {
  if (queues.length === 0) return insertion;
  return sql`with inserted as (${insertion}), ${bells(queues)} select inserted.*, ${rung} from inserted`;
}

/** Only what is read is carried out: {@link rung} does. */
function bells(queues: readonly string[]): SQL {
  return sql`bells as materialized (select ${ring(sql`queue`)} as rung from ${each(queues)} as queue)`;
}

const rung = sql`(select count(rung) from bells) as rung`;

/**
 * What holds the other keys is read as it was when the statement began: whoever took or freed one since is not found. Of
 * the keys that were freed, the insert reads that they were, or PostgreSQL would carry both out in any order.
 */
function insertKeyed(rows: readonly NewJob[], common: JobOptions, queues: readonly string[]): SQL {
  const keys = sql`array(select ${each(rows.map(({ uniqueKey }) => uniqueKey as string))})`;
  return sql`with held as materialized (
      select id, unique_key from ${soniqJobs} where unique_key = any (${keys}) and ${holdsKey} and not ${isOver}),
    freed as (
      update ${soniqJobs} set unique_held = false where id = any (array(
        select id from ${soniqJobs} where unique_key = any (${keys}) and ${holdsKey} and ${isOver}
        order by unique_key for no key update))
      returning id),
    inserted as (${insertEach(rows, common, sql`where (select count(*) from freed) >= 0`)}),
    ${bells(queues)}
    select inserted.*, ${rung} from inserted
    union all
    select id, unique_key, true, null from held
    where not exists (select from inserted where key = held.unique_key)`;
}

function insertEach(rows: readonly NewJob[], common: JobOptions, afterwards = sql``): SQL {
  const rule = rows[0]?.uniqueKey === null ? uniqueRule(undefined) : common;
  const { onConflict: conflict, uniqueUntil, withinMs } = rule;
  const maxWaitMs = sql`${rule.maxWaitMs}`;
  const json = `[${rows.map((row) => rowJson(row, common)).join()}]`;
  return sql`insert into ${soniqJobs} (name, queue, priority, max_attempts, payload, tags, meta, unique_key, unique_until, unique_expires_at, run_at)
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

function rowJson({ payload, uniqueKey, options }: NewJob, common: JobOptions): string {
  const { queue, priority, maxAttempts, tags, meta, runAtMs, delayMs } = options;
  const shared = options === common;
  const columns = { uniqueKey, runAtMs, delayMs, ...(!shared && { queue, priority, maxAttempts }) };
  // Spliced: payload, tags and meta are JSON texts already.
  const texts = shared ? "" : `,"tags":${tags},"meta":${meta}`;
  return `${JSON.stringify(columns).slice(0, -1)},"payload":${payload}${texts}}`;
}
