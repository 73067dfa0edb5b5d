import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { SoniqError } from "../core/errors.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { rowsOf } from "../core/rows.js";
import { retryConflicts } from "../core/retry-conflicts.js";
import type { JobDefinition } from "./define-job.js";
import { ring } from "./doorbell.js";
import { dueFrom } from "./due.js";
import { isDue } from "./enqueue.js";
import {
  checkOptions,
  type Enqueued,
  type EnqueueOptions,
  type JobOptions,
  newJob,
  type NewJob,
  tellEnqueued,
} from "./new-job.js";
import { holdsKey } from "./unique-key.js";

const rowsPerStatement = 5_000;
/** PostgreSQL takes 256 MB of JSON at the most; long payloads go in smaller batches. */
const charactersPerStatement = 8 * 1024 * 1024;
const keyRounds = 5;

/**
 * Enqueues many jobs of one definition, all or none, a few thousand per statement.
 *
 * @param options for all of them, or a function from payload and index to those of each
 * @returns in the order of `payloads`; where several share a unique key, all but the first are `deduplicated`
 * @throws InvalidValueError before any SQL, if a payload or an option is not valid
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function enqueueMany<Name extends string, In, Out, ResultIn, ResultOut>(
  db: Queryable,
  job: JobDefinition<Name, In, Out, ResultIn, ResultOut>,
  payloads: readonly NoInfer<In>[],
  options: EnqueueOptions | ((payload: In, index: number) => EnqueueOptions) = {},
): Promise<Enqueued<Name>[]> {
  const rows: NewJob[] = [];
  const optionsOf = optionsFor(job, options);
  for (const [i, payload] of payloads.entries()) {
    rows.push(await newJob(job, payload, optionsOf(payload, i), `payloads[${i}]`));
  }
  if (rows.length === 0) return [];
  const enqueued = await retryConflicts(db, (on) => on.transaction((tx: Queryable) => insertAll(tx, rows))).catch(
    explainMissingTables,
  );
  for (const [i, { id, deduplicated }] of enqueued.entries())
    if (!deduplicated) tellEnqueued(job, id, payloads[i] as In);
  return enqueued.map((row) => ({ ...row, name: job.name }));
}

function optionsFor<In>(
  job: JobDefinition<string, In>,
  options: EnqueueOptions | ((payload: In, index: number) => EnqueueOptions),
): (payload: In, index: number) => JobOptions {
  if (typeof options === "function") return (payload, i) => checkOptions(job, options(payload, i), `options[${i}]`);
  const shared = checkOptions(job, options);
  return () => shared;
}

type Inserted = Pick<Enqueued, "id" | "deduplicated">;
type Keyed = { id: number; key: string | null };

async function insertAll(tx: Queryable, rows: readonly NewJob[]): Promise<Inserted[]> {
  const keyless = rows.filter((row) => row.uniqueKey === null);
  const ids = await insertInBatches(tx, keyless);
  const byKey = await insertKeyed(tx, rows);
  await ringFor(tx, new Set(rows.flatMap(({ options }) => (isDue(options) ? options.queue : []))));
  const seen = new Set<string>();
  let next = 0;
  return rows.map(({ uniqueKey }) => {
    if (uniqueKey === null) return { id: (ids[next++] as { id: number }).id, deduplicated: false };
    const { id, created } = byKey.get(uniqueKey) as { id: number; created: boolean };
    const deduplicated = !created || seen.has(uniqueKey);
    seen.add(uniqueKey);
    return { id, deduplicated };
  });
}

/** One job per key. In the keys' order, since two bulk enqueues would otherwise wait for each other. */
async function insertKeyed(
  tx: Queryable,
  rows: readonly NewJob[],
): Promise<Map<string, { id: number; created: boolean }>> {
  const wanted = new Map<string, NewJob>();
  for (const row of rows) if (row.uniqueKey !== null && !wanted.has(row.uniqueKey)) wanted.set(row.uniqueKey, row);
  const found = new Map<string, { id: number; created: boolean }>();
  for (let round = 0; wanted.size > 0; round += 1) {
    if (round === keyRounds) {
      throw new SoniqError(
        `${wanted.size} unique keys were taken and freed ${keyRounds} times in a row: enqueue again`,
      );
    }
    const sorted = [...wanted].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    const note = ({ id, key }: Keyed, created: boolean) => {
      found.set(key as string, { id, created });
      wanted.delete(key as string);
    };
    for (const row of await insertInBatches(tx, sorted)) note(row, true);
    for (const row of await keyHolders(tx, [...wanted.keys()])) note(row, false);
  }
  return found;
}

async function insertInBatches(tx: Queryable, rows: readonly NewJob[]): Promise<Keyed[]> {
  const inserted: Keyed[] = [];
  for (const batch of batches(rows)) inserted.push(...(await insertBatch(tx, batch)));
  return inserted;
}

/** A few thousand rows each, or fewer long ones. */
function* batches(rows: readonly NewJob[]): Generator<readonly NewJob[]> {
  let from = 0;
  let characters = 0;
  for (const [i, { payload, options }] of rows.entries()) {
    const length = payload.length + options.tags.length + options.meta.length;
    if (i - from === rowsPerStatement || (i > from && characters + length > charactersPerStatement)) {
      yield rows.slice(from, i);
      from = i;
      characters = 0;
    }
    characters += length;
  }
  if (from < rows.length) yield rows.slice(from);
}

/** The ids of a batch, in its order; of keyed rows, those whose key was free. */
async function insertBatch(tx: Queryable, rows: readonly NewJob[]): Promise<Keyed[]> {
  const { options: common } = rows[0] as NewJob;
  const alike = rows.every(({ options, uniqueKey }) => options === common && uniqueKey === null);
  // A builder's `insert … select` would have to list every column: this one leaves the defaults to the table.
  const inserted = await rowsOf<{ id: string | number; key: string | null }>(
    tx,
    sql`insert into ${soniqJobs} (name, queue, priority, max_attempts, payload, tags, meta, unique_key, run_at)
      ${alike ? selectAlike(rows, common) : selectEach(rows, common)}
      returning id, unique_key as key`,
  );
  return inserted.map(({ id, key }) => ({ id: Number(id), key })).toSorted((a, b) => a.id - b.id);
}

/** Jobs that differ in nothing but their payloads: PostgreSQL spends as long on reading JSON as on inserting. */
function selectAlike(rows: readonly NewJob[], common: JobOptions): SQL {
  const { name, queue, priority, maxAttempts, tags, meta, runAtMs = null, delayMs = null } = common;
  const payloads = `[${rows.map(({ payload }) => payload).join()}]`;
  return sql`select ${name}::text, ${queue}, ${priority}::int, ${maxAttempts}::int, payload, ${tags}::text::jsonb, ${meta}::text::jsonb, null,
      ${dueFrom(sql`${runAtMs}::float8`, sql`${delayMs}::float8`)}
    from jsonb_array_elements(${payloads}::text::jsonb) as payload`;
}

function selectEach(rows: readonly NewJob[], common: JobOptions): SQL {
  const json = `[${rows.map((row) => rowJson(row, common)).join()}]`;
  return sql`select ${common.name}::text, coalesce(queue, ${common.queue}), coalesce(priority, ${common.priority}::int),
      coalesce("maxAttempts", ${common.maxAttempts}::int), coalesce(payload, 'null'), coalesce(tags, ${common.tags}::text::jsonb),
      coalesce(meta, ${common.meta}::text::jsonb), "uniqueKey", ${dueFrom(sql`"runAtMs"`, sql`"delayMs"`)}
    from jsonb_to_recordset(${json}::text::jsonb) as row (queue text, priority int, "maxAttempts" int, payload jsonb,
      tags jsonb, meta jsonb, "uniqueKey" text, "runAtMs" float8, "delayMs" float8)
    on conflict (unique_key) where ${holdsKey} do nothing`;
}

function rowJson({ payload, uniqueKey, options }: NewJob, common: JobOptions): string {
  const { queue, priority, maxAttempts, tags, meta, runAtMs, delayMs } = options;
  const shared = options === common;
  const columns = { uniqueKey, runAtMs, delayMs, ...(!shared && { queue, priority, maxAttempts }) };
  // Spliced: payload, tags and meta are JSON texts already.
  const texts = shared ? "" : `,"tags":${tags},"meta":${meta}`;
  return `${JSON.stringify(columns).slice(0, -1)},"payload":${payload}${texts}}`;
}

async function keyHolders(tx: Queryable, keys: readonly string[]): Promise<Keyed[]> {
  if (keys.length === 0) return [];
  return builder(tx)
    .select({ id: soniqJobs.id, key: soniqJobs.uniqueKey })
    .from(soniqJobs)
    .where(sql`${soniqJobs.uniqueKey} = any (array(select ${each(keys)})) and ${holdsKey}`);
}

async function ringFor(tx: Queryable, queues: ReadonlySet<string>): Promise<void> {
  if (queues.size === 0) return;
  await builder(tx)
    .select({ rung: ring(sql`queue`) })
    .from(sql`${each([...queues])} as queue`);
}

/** The texts as rows, as one parameter: a statement takes 65,534 at the most. */
function each(texts: readonly string[]): SQL {
  return sql`jsonb_array_elements_text(${JSON.stringify(texts)}::text::jsonb)`;
}
