import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { splitIntoBatches } from "../../core/batches.js";
import { textRows } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/rows.js";
import { ring } from "../../sessions/doorbell.js";
import { inputTypes, insertJobs, type JobInput, typed } from "../row/job-columns.js";
import type { JobOptions, NewJob } from "./new-job.js";
import { onConflict, wasThere } from "./on-conflict.js";
import { holdsKey, isOver } from "../row/unique-key.js";

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

const batchesOf = (rows: readonly NewJob[]) => splitIntoBatches(rows, rowsPerStatement, bytesOf);

function bytesOf({ payload, options: { tags, meta } }: NewJob): number {
  return Buffer.byteLength(payload) + Buffer.byteLength(tags) + Buffer.byteLength(meta);
}

async function insertBatch(tx: Queryable, rows: readonly NewJob[], queues: readonly string[]): Promise<Inserted[]> {
  const { options: common } = rows[0] as NewJob;
  const alike = rows.every(({ options, uniqueKey }) => options === common && uniqueKey === null);
  // A builder's `insert … select` would have to list every column: this one leaves the defaults to the table.
  const inserted = await fetchRows<{ id: string | number; key?: string; deduplicated?: boolean }>(
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
  const payloads = `[${rows.map(({ payload }) => payload).join()}]`;
  const input = (name: JobInput) => (name === "payload" ? sql`payload` : optionOf(common, name));
  return sql`${insertJobs(input, { rest: sql`from jsonb_array_elements(${payloads}::text::jsonb) as payload` })} returning id`;
}

/** One statement, so that what it inserts is there with the bell or not at all, in one round trip. */
function ringing(insertion: SQL, queues: readonly string[]): SQL {
  if (queues.length === 0) return insertion;
  return sql`with inserted as (${insertion}), ${bells(queues)} select inserted.*, ${rung} from inserted`;
}

/** Only what is read is carried out: {@link rung} does. */
function bells(queues: readonly string[]): SQL {
  return sql`bells as materialized (select ${ring(sql`queue`)} as rung from ${textRows(queues)} as queue)`;
}

const rung = sql`(select count(rung) from bells) as rung`;

/**
 * What holds the other keys is read as it was when the statement began: whoever took or freed one since is not found. Of
 * the keys that were freed, the insert reads that they were, or PostgreSQL would carry both out in any order.
 */
function insertKeyed(rows: readonly NewJob[], common: JobOptions, queues: readonly string[]): SQL {
  const keys = sql`array(select ${textRows(rows.map(({ uniqueKey }) => uniqueKey as string))})`;
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

/** Jobs of which each has its own key, payload and, where they differ, options. */
function insertEach(rows: readonly NewJob[], common: JobOptions, where = sql``): SQL {
  const conflict = rows[0]?.uniqueKey === null ? undefined : common.onConflict;
  const own = rows.every(({ options }) => options === common) ? keyAndPayload : ownInputs;
  const input = (name: JobInput) => (own.has(name) ? ownValue(name) : optionOf(common, name));
  const types = [...own].map((name) => sql`${sql.identifier(name)} ${sql.raw(inputTypes[name])}`);
  const from = sql`from jsonb_to_recordset(${rowsJson(rows, own)}::text::jsonb) as row (${sql.join(types, sql`, `)}) ${where}`;
  if (conflict === undefined) return sql`${insertJobs(input, { rest: from })} returning id`;
  return sql`${insertJobs(input, { conflict, rest: sql`${from} ${onConflict(conflict, input("maxWaitMs"))}` })}
    returning id, unique_key as key, ${wasThere(conflict)} as deduplicated`;
}

const keyAndPayload: ReadonlySet<JobInput> = new Set(["uniqueKey", "payload"]);
const ofDefinition: ReadonlySet<JobInput> = new Set(["name", "uniqueUntil", "withinMs", "maxWaitMs"]);
/** What may differ between the jobs of one definition. */
const ownInputs: ReadonlySet<JobInput> = new Set(
  (Object.keys(inputTypes) as JobInput[]).filter((name) => !ofDefinition.has(name)),
);

/** A JSON null in a list of records is null in SQL, and as a payload it is one. */
function ownValue(name: JobInput): SQL {
  return name === "payload" ? sql`coalesce(payload, 'null')` : sql`${sql.identifier(name)}`;
}

function optionOf(options: JobOptions, name: JobInput): SQL {
  return typed(name, (options as Partial<Record<JobInput, unknown>>)[name] ?? null);
}

/** Spliced, since what is a jsonb there is a JSON text here. */
function rowsJson(rows: readonly NewJob[], own: ReadonlySet<JobInput>): string {
  const json = (name: JobInput, value: unknown) =>
    inputTypes[name] === "jsonb" ? String(value) : (JSON.stringify(value) ?? "null");
  const row = ({ options, payload, uniqueKey }: NewJob) => {
    const values: Partial<Record<JobInput, unknown>> = { ...options, payload, uniqueKey };
    return `{${[...own].map((name) => `"${name}":${json(name, values[name])}`).join()}}`;
  };
  return `[${rows.map(row).join()}]`;
}
