import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { splitIntoBatches } from "../../core/batches.js";
import { textRows } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/fetch-rows.js";
import { ring } from "../../sessions/doorbell.js";
import { inputTypes, buildJobInsert, type JobInput, castInput } from "../row/job-columns.js";
import type { JobOptions, NewJob } from "./new-job.js";
import { buildOnConflict, wasUpdated } from "./on-conflict.js";
import { holdsKey, canBeTakenOver } from "../row/unique-key.js";

const rowsPerStatement = 5_000;

/** A job that was inserted, or a waiting job that was changed. */
export interface Inserted {
  readonly id: number;
  readonly key: string | null;
  /** Whether the job existed before. */
  readonly deduplicated: boolean;
}

/**
 * Inserts jobs of one definition, a few thousand per statement, and wakes the workers that wait for them. With keys, the same
 * statement first frees the keys that can be taken over, and finds the holders of the remaining keys.
 *
 * @param rows all with a key, distinct and sorted by it, or all without
 * @param queues the queues whose waiting workers to wake
 * @returns the jobs in the order of their ids; a job is missing only if another transaction took or freed its key while the
 *   statement ran
 */
export async function insertMany(
  tx: Queryable,
  rows: readonly NewJob[],
  queues: readonly string[],
): Promise<Inserted[]> {
  const inserted: Inserted[] = [];
  for (const batch of splitBatches(rows)) inserted.push(...(await insertBatch(tx, batch, queues)));
  return inserted;
}

/** Whether one statement can insert all rows. */
export function isOneBatch(rows: readonly NewJob[]): boolean {
  const allBatches = splitBatches(rows);
  allBatches.next();
  return allBatches.next().done === true;
}

const splitBatches = (rows: readonly NewJob[]) => splitIntoBatches(rows, rowsPerStatement, estimateBytes);

function estimateBytes({ payload, options: { tags, meta } }: NewJob): number {
  return Buffer.byteLength(payload) + Buffer.byteLength(tags) + Buffer.byteLength(meta);
}

async function insertBatch(tx: Queryable, rows: readonly NewJob[], queues: readonly string[]): Promise<Inserted[]> {
  const { options: shared } = rows[0] as NewJob;
  const areAlike = rows.every(({ options, uniqueKey }) => options === shared && uniqueKey === null);
  // Drizzle's `insert … select` must list every column. This statement leaves the defaults to the table.
  const inserted = await fetchRows<{ id: string | number; key?: string; deduplicated?: boolean }>(
    tx,
    rows[0]?.uniqueKey === null
      ? withRing(sql`${areAlike ? buildUniformInsert(rows, shared) : buildRowInsert(rows, shared)}`, queues)
      : buildKeyedInsert(rows, shared, queues),
  );
  return inserted
    .map(({ id, key = null, deduplicated = false }) => ({ id: Number(id), key, deduplicated }))
    .toSorted((a, b) => a.id - b.id);
}

/**
 * Builds the insert of jobs that differ only in their payloads. PostgreSQL spends as long on parsing JSON as on inserting, so the
 * JSON contains nothing else.
 */
function buildUniformInsert(rows: readonly NewJob[], shared: JobOptions): SQL {
  const payloads = `[${rows.map(({ payload }) => payload).join()}]`;
  const input = (name: JobInput) => (name === "payload" ? sql`payload` : toParameter(shared, name));
  return sql`${buildJobInsert(input, { rest: sql`from jsonb_array_elements(${payloads}::text::jsonb) as payload` })} returning id`;
}

/** Adds the NOTIFY to an insert: one statement and one round trip, so that both take effect or neither. */
function withRing(insertion: SQL, queues: readonly string[]): SQL {
  if (queues.length === 0) return insertion;
  return sql`with inserted as (${insertion}), ${buildRingCte(queues)} select inserted.*, ${ringCount} from inserted`;
}

/** Builds the CTE that sends the NOTIFYs. PostgreSQL runs it only because {@link ringCount} reads it. */
function buildRingCte(queues: readonly string[]): SQL {
  return sql`bells as materialized (select ${ring(sql`queue`)} as rung from ${textRows(queues)} as queue)`;
}

const ringCount = sql`(select count(rung) from bells) as rung`;

/**
 * Builds the insert of jobs with keys. It reads the holders of the remaining keys from the statement's snapshot, so it does not
 * find a job that took or freed a key since. The insert reads `freed`, because PostgreSQL runs independent CTEs in any order.
 */
function buildKeyedInsert(rows: readonly NewJob[], shared: JobOptions, queues: readonly string[]): SQL {
  const keys = sql`array(select ${textRows(rows.map(({ uniqueKey }) => uniqueKey as string))})`;
  return sql`with held as materialized (
      select id, unique_key from ${soniqJobs} where unique_key = any (${keys}) and ${holdsKey} and not ${canBeTakenOver}),
    freed as (
      update ${soniqJobs} set unique_held = false where id = any (array(
        select id from ${soniqJobs} where unique_key = any (${keys}) and ${holdsKey} and ${canBeTakenOver}
        order by unique_key for no key update))
      returning id),
    inserted as (${buildRowInsert(rows, shared, sql`where (select count(*) from freed) >= 0`)}),
    ${buildRingCte(queues)}
    select inserted.*, ${ringCount} from inserted
    union all
    select id, unique_key, true, null from held
    where not exists (select from inserted where key = held.unique_key)`;
}

/** Builds the insert of jobs that differ in key, payload and possibly options. */
function buildRowInsert(rows: readonly NewJob[], shared: JobOptions, where = sql``): SQL {
  const conflict = rows[0]?.uniqueKey === null ? undefined : shared.onConflict;
  const inputs = rows.every(({ options }) => options === shared) ? keyAndPayload : jobInputs;
  const input = (name: JobInput) => (inputs.has(name) ? inputValue(name) : toParameter(shared, name));
  const types = [...inputs].map((name) => sql`${sql.identifier(name)} ${sql.raw(inputTypes[name])}`);
  const from = sql`from jsonb_to_recordset(${toRowsJson(rows, inputs)}::text::jsonb) as row (${sql.join(types, sql`, `)}) ${where}`;
  if (conflict === undefined) return sql`${buildJobInsert(input, { rest: from })} returning id`;
  return sql`${buildJobInsert(input, { conflict, rest: sql`${from} ${buildOnConflict(conflict, input("maxWaitMs"))}` })}
    returning id, unique_key as key, ${wasUpdated(conflict)} as deduplicated`;
}

const keyAndPayload: ReadonlySet<JobInput> = new Set(["uniqueKey", "payload"]);
const definitionInputs: ReadonlySet<JobInput> = new Set(["name", "uniqueUntil", "withinMs", "maxWaitMs"]);
/** The inputs that may differ between jobs of one definition. */
const jobInputs: ReadonlySet<JobInput> = new Set(
  (Object.keys(inputTypes) as JobInput[]).filter((name) => !definitionInputs.has(name)),
);

/** `jsonb_to_recordset` turns a JSON null into a SQL null, but a payload of null must stay a JSON null. */
function inputValue(name: JobInput): SQL {
  return name === "payload" ? sql`coalesce(payload, 'null')` : sql`${sql.identifier(name)}`;
}

function toParameter(options: JobOptions, name: JobInput): SQL {
  return castInput(name, (options as Partial<Record<JobInput, unknown>>)[name] ?? null);
}

/** Splices the JSON, because the `jsonb` inputs are already JSON texts. */
function toRowsJson(rows: readonly NewJob[], inputs: ReadonlySet<JobInput>): string {
  const json = (name: JobInput, value: unknown) =>
    inputTypes[name] === "jsonb" ? String(value) : (JSON.stringify(value) ?? "null");
  const row = ({ options, payload, uniqueKey }: NewJob) => {
    const values: Partial<Record<JobInput, unknown>> = { ...options, payload, uniqueKey };
    return `{${[...inputs].map((name) => `"${name}":${json(name, values[name])}`).join()}}`;
  };
  return `[${rows.map(row).join()}]`;
}
