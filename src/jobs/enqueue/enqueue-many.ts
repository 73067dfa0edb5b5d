import { DuplicateJobError, InvalidValueError, describeValue, SoniqError } from "../../core/errors.js";
import { resolvePrimary } from "../../core/builder.js";
import { runGuardedTransaction } from "../../core/guarded-transaction.js";
import { explainMissingTables } from "../../core/missing-tables.js";
import type { Queryable } from "../../core/queryable.js";
import { retryConflicts } from "../../core/retry-conflicts.js";
import { checkJobDefinition, type JobDefinition } from "../definition/define-job.js";
import { isDue } from "./enqueue.js";
import { insertMany, isOneBatch } from "./insert-many.js";
import {
  checkOptions,
  type Enqueued,
  type EnqueueOptions,
  type JobOptions,
  newJob,
  type NewJob,
  tellEnqueued,
} from "./new-job.js";
import { changesHolder } from "../definition/unique-settings.js";

const keyRounds = 5;

/**
 * Enqueues many jobs of one definition, all or none, a few thousand per statement.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param options for all of them, or a function from payload and index to those of each
 * @returns in the order of `payloads`; where several share a unique key, all but the first are `deduplicated`, and that
 *   one job is what it would be had they been enqueued one by one
 * @throws InvalidValueError before any SQL, if a payload or an option is not valid, or two share a key where the
 *   definition's `unique.onConflict` is `"error"`
 * @throws DuplicateJobError if another job holds a key, and `unique.onConflict` is `"error"`
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function enqueueMany<Name extends string, In, Out, ResultIn, ResultOut>(
  db: Queryable,
  job: JobDefinition<Name, In, Out, ResultIn, ResultOut>,
  payloads: readonly NoInfer<In>[],
  options: EnqueueOptions | ((payload: In, index: number) => EnqueueOptions) = {},
): Promise<Enqueued<Name>[]> {
  resolvePrimary(db);
  checkJobDefinition(job);
  if (!Array.isArray(payloads))
    throw new InvalidValueError("payloads", `is ${describeValue(payloads)}: give a list`, `job ${job.name}: `);
  const rows: NewJob[] = [];
  const optionsOf = optionsFor(job, options);
  for (const [i, payload] of payloads.entries()) {
    rows.push(await newJob(job, payload, optionsOf(payload, i), `payloads[${i}]`));
  }
  if (rows.length === 0) return [];
  const keyed = folded(job.name, rows);
  const enqueued = await retryConflicts(db, (on) => insertAllOrNone(on, rows, keyed)).catch(explainMissingTables);
  const last = lastOfKeys(rows);
  for (const [i, { id, deduplicated }] of enqueued.entries())
    if (!deduplicated) tellEnqueued(job, id, payloads[last.get((rows[i] as NewJob).uniqueKey) ?? i] as In);
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

/** One job per key. In the keys' order, since two bulk enqueues would otherwise wait for each other. */
function folded(name: string, rows: readonly NewJob[]): Map<string, NewJob> {
  const keyed = new Map<string, NewJob>();
  for (const [i, row] of rows.entries()) {
    if (row.uniqueKey === null) continue;
    const first = keyed.get(row.uniqueKey);
    if (first?.options.onConflict === "error")
      throw new InvalidValueError(
        `payloads[${i}]`,
        "has the unique key of one before it: pass it once",
        `job ${name}: `,
      );
    keyed.set(row.uniqueKey, first ? fold(first, row) : row);
  }
  return new Map([...keyed].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** What becomes of a job that waits when another of its key is enqueued. */
function fold(first: NewJob, next: NewJob): NewJob {
  switch (first.options.onConflict) {
    case "replace": {
      const { queue, priority, runAtMs, delayMs } = first.options;
      const shared = first.options === next.options;
      return shared ? next : { ...next, options: { ...next.options, queue, priority, runAtMs, delayMs } };
    }
    case "reschedule":
      return next;
    default:
      return first;
  }
}

/** Where one that waits is changed, the last of those that share a key is what is stored. @returns its index, by the key */
function lastOfKeys(rows: readonly NewJob[]): Map<string | null, number> {
  const last = new Map<string | null, number>();
  for (const [i, { uniqueKey, options }] of rows.entries())
    if (uniqueKey !== null && changesHolder(options.onConflict)) last.set(uniqueKey, i);
  return last;
}

type Found = Pick<Enqueued, "id" | "deduplicated">;

/**
 * What one statement says needs no transaction: it is there as a whole or not at all, and each key that it did not take was
 * held by another job. Only where that is an error must what was inserted be taken back.
 */
function insertAllOrNone(db: Queryable, rows: readonly NewJob[], keyed: ReadonlyMap<string, NewJob>): Promise<Found[]> {
  const keyless = rows.filter((row) => row.uniqueKey === null);
  const insertAll = (on: Queryable) => insertInOrder(on, rows, keyless, keyed);
  const isOneStatement =
    keyless.length === 0
      ? isOneBatch([...keyed.values()]) && rows[0]?.options.onConflict !== "error"
      : keyed.size === 0 && isOneBatch(keyless);
  return isOneStatement ? insertAll(db) : runGuardedTransaction(db, insertAll);
}

async function insertInOrder(
  on: Queryable,
  rows: readonly NewJob[],
  keyless: readonly NewJob[],
  keyed: ReadonlyMap<string, NewJob>,
): Promise<Found[]> {
  const queues = [...new Set(rows.flatMap(({ options }) => (isDue(options) ? options.queue : [])))];
  const inserted = await insertMany(on, keyless, queues);
  const byKey = await insertKeyed(on, keyed, queues);
  const seen = new Set<string>();
  let next = 0;
  return rows.map(({ uniqueKey }) => {
    if (uniqueKey === null) return { id: (inserted[next++] as Found).id, deduplicated: false };
    const { id, deduplicated } = byKey.get(uniqueKey) as Found;
    const isFirst = !seen.has(uniqueKey);
    seen.add(uniqueKey);
    return { id, deduplicated: deduplicated || !isFirst };
  });
}

async function insertKeyed(
  on: Queryable,
  keyed: ReadonlyMap<string, NewJob>,
  queues: readonly string[],
): Promise<Map<string, Found>> {
  const wanted = new Map(keyed);
  const found = new Map<string, Found>();
  for (let round = 0; wanted.size > 0; round += 1) {
    if (round === keyRounds) {
      throw new SoniqError(
        `${wanted.size} unique keys were taken and freed ${keyRounds} times in a row: enqueue again`,
      );
    }
    const rows = [...wanted.values()];
    const { name, onConflict } = (rows[0] as NewJob).options;
    for (const { key, ...job } of await insertMany(on, rows, queues)) {
      if (job.deduplicated && onConflict === "error") throw new DuplicateJobError(name, job.id);
      found.set(key as string, job);
      wanted.delete(key as string);
    }
  }
  return found;
}
