import { inArray, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { SoniqError } from "../core/errors.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import type { JobDefinition } from "./define-job.js";
import { ring } from "./doorbell.js";
import { holdsKey, isDue } from "./enqueue.js";
import { type Enqueued, type EnqueueOptions, newJob, type NewJob } from "./new-job.js";

const rowsPerStatement = 5_000;
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
  for (const [i, payload] of payloads.entries()) {
    rows.push(
      await newJob(job, payload, typeof options === "function" ? options(payload, i) : options, `payloads[${i}]`),
    );
  }
  if (rows.length === 0) return [];
  const enqueued = await db.transaction((tx: Queryable) => insertAll(tx, rows)).catch(explainMissingTables);
  return enqueued.map((row) => ({ ...row, name: job.name }));
}

type Inserted = Pick<Enqueued, "id" | "deduplicated">;
type Keyed = { id: number; key: string | null };

async function insertAll(tx: Queryable, rows: readonly NewJob[]): Promise<Inserted[]> {
  const keyless = rows.filter((row) => row.uniqueKey === undefined);
  const ids = await insertInSlices(tx, keyless);
  const byKey = await insertKeyed(tx, rows);
  const dueQueues = new Set(rows.filter(isDue).map((row) => row.queue));
  for (const queue of dueQueues) await tx.execute(sql`select ${ring(queue)}`);
  const seen = new Set<string>();
  let next = 0;
  return rows.map(({ uniqueKey }) => {
    if (uniqueKey === undefined) return { id: (ids[next++] as { id: number }).id, deduplicated: false };
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
  for (const row of rows) if (row.uniqueKey !== undefined && !wanted.has(row.uniqueKey)) wanted.set(row.uniqueKey, row);
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
    for (const row of await insertInSlices(tx, sorted)) note(row, true);
    for (const row of await keyHolders(tx, [...wanted.keys()])) note(row, false);
  }
  return found;
}

async function insertInSlices(tx: Queryable, rows: readonly NewJob[]): Promise<Keyed[]> {
  const inserted = [];
  for (let from = 0; from < rows.length; from += rowsPerStatement) {
    inserted.push(...(await insertSlice(tx, rows.slice(from, from + rowsPerStatement))));
  }
  return inserted;
}

/** The ids of a slice, in its order; of keyed rows, those whose key was free. */
async function insertSlice(tx: Queryable, rows: readonly NewJob[]): Promise<Keyed[]> {
  const qb = builder(tx);
  const json = `[${rows.map(rowJson).join()}]`;
  // A builder's `insert … select` would have to list every column: this one leaves the defaults to the table.
  const inserted = qb.$with("inserted", { id: soniqJobs.id, key: soniqJobs.uniqueKey }).as(sql`
    insert into ${soniqJobs} (name, queue, priority, max_attempts, payload, tags, meta, unique_key, run_at)
    select name, queue, priority, "maxAttempts", coalesce(payload, 'null'), tags, meta, "uniqueKey",
      greatest(clock_timestamp(), coalesce(to_timestamp("runAtMs" / 1000), clock_timestamp() + coalesce("delayMs", 0) * interval '1 millisecond'))
    from jsonb_to_recordset(${json}::text::jsonb) as row (name text, queue text, priority smallint, "maxAttempts" int, payload jsonb,
      tags jsonb, meta jsonb, "uniqueKey" text, "runAtMs" float8, "delayMs" float8)
    on conflict (unique_key) where ${holdsKey} do nothing
    returning id, unique_key`);
  return qb.with(inserted).select({ id: inserted.id, key: inserted.key }).from(inserted).orderBy(inserted.id);
}

/** Spliced by hand: payload, tags and meta are JSON texts already. */
function rowJson({ payload, tags, meta, ...row }: NewJob): string {
  return `${JSON.stringify(row).slice(0, -1)},"payload":${payload},"tags":${tags},"meta":${meta}}`;
}

async function keyHolders(tx: Queryable, keys: readonly string[]): Promise<Keyed[]> {
  if (keys.length === 0) return [];
  return builder(tx)
    .select({ id: soniqJobs.id, key: soniqJobs.uniqueKey })
    .from(soniqJobs)
    .where(sql`${inArray(soniqJobs.uniqueKey, [...keys])} and ${holdsKey}`);
}
