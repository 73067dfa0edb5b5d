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
  parseOptions,
  type Enqueued,
  type EnqueueOptions,
  type JobOptions,
  createNewJob,
  type NewJob,
  notifyEnqueued,
} from "./new-job.js";
import { changesHolder } from "../definition/unique-settings.js";

const maxKeyAttempts = 5;

/**
 * Enqueues many jobs of one definition, all or none, a few thousand per statement.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param options the options of all jobs, or a function that returns the options of each job from its payload and index
 * @returns the jobs in the order of `payloads`. If several share a unique key, all but the first are `deduplicated`, and the
 *   stored job is the same as if they had been enqueued one by one
 * @throws InvalidValueError before any SQL, if a payload or an option is not valid, or if two payloads share a key and the
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
  const optionsOf = resolveOptions(job, options);
  for (const [i, payload] of payloads.entries()) {
    rows.push(await createNewJob(job, payload, optionsOf(payload, i), `payloads[${i}]`));
  }
  if (rows.length === 0) return [];
  const keyed = mergeByKey(job.name, rows);
  const enqueued = await retryConflicts(db, (on) => insertAllOrNone(on, rows, keyed)).catch(explainMissingTables);
  const last = lastIndexByKey(rows);
  for (const [i, { id, deduplicated }] of enqueued.entries())
    if (!deduplicated) notifyEnqueued(job, id, payloads[last.get((rows[i] as NewJob).uniqueKey) ?? i] as In);
  return enqueued.map((row) => ({ ...row, name: job.name }));
}

function resolveOptions<In>(
  job: JobDefinition<string, In>,
  options: EnqueueOptions | ((payload: In, index: number) => EnqueueOptions),
): (payload: In, index: number) => JobOptions {
  if (typeof options === "function") return (payload, i) => parseOptions(job, options(payload, i), `options[${i}]`);
  const shared = parseOptions(job, options);
  return () => shared;
}

/** Merges the rows to one job per key. Sorted by key: otherwise two bulk enqueues could deadlock. */
function mergeByKey(name: string, rows: readonly NewJob[]): Map<string, NewJob> {
  const keyed = new Map<string, NewJob>();
  for (const [i, row] of rows.entries()) {
    if (row.uniqueKey === null) continue;
    const first = keyed.get(row.uniqueKey);
    if (first?.options.onConflict === "error")
      throw new InvalidValueError(
        `payloads[${i}]`,
        "has the same unique key as an earlier payload: pass it once",
        `job ${name}: `,
      );
    keyed.set(row.uniqueKey, first ? mergeJobs(first, row) : row);
  }
  return new Map([...keyed].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Merges an enqueue into the waiting job of the same key, as the statement does on a conflict. */
function mergeJobs(first: NewJob, next: NewJob): NewJob {
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

/** With `replace` and `reschedule`, the last row of a key is the stored job. @returns its index, by key */
function lastIndexByKey(rows: readonly NewJob[]): Map<string | null, number> {
  const last = new Map<string | null, number>();
  for (const [i, { uniqueKey, options }] of rows.entries())
    if (uniqueKey !== null && changesHolder(options.onConflict)) last.set(uniqueKey, i);
  return last;
}

type InsertedJob = Pick<Enqueued, "id" | "deduplicated">;

/**
 * Uses a transaction only if it must. A single statement takes effect as a whole or not at all, and another job held each key
 * that it did not take. Only with `onConflict: "error"` must the inserted jobs be rolled back.
 */
function insertAllOrNone(
  db: Queryable,
  rows: readonly NewJob[],
  keyed: ReadonlyMap<string, NewJob>,
): Promise<InsertedJob[]> {
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
): Promise<InsertedJob[]> {
  const queues = [...new Set(rows.flatMap(({ options }) => (isDue(options) ? options.queue : [])))];
  const inserted = await insertMany(on, keyless, queues);
  const byKey = await insertKeyed(on, keyed, queues);
  const seen = new Set<string>();
  let next = 0;
  return rows.map(({ uniqueKey }) => {
    if (uniqueKey === null) return { id: (inserted[next++] as InsertedJob).id, deduplicated: false };
    const { id, deduplicated } = byKey.get(uniqueKey) as InsertedJob;
    const isFirst = !seen.has(uniqueKey);
    seen.add(uniqueKey);
    return { id, deduplicated: deduplicated || !isFirst };
  });
}

async function insertKeyed(
  on: Queryable,
  keyed: ReadonlyMap<string, NewJob>,
  queues: readonly string[],
): Promise<Map<string, InsertedJob>> {
  const pending = new Map(keyed);
  const found = new Map<string, InsertedJob>();
  for (let attempt = 0; pending.size > 0; attempt += 1) {
    if (attempt === maxKeyAttempts) {
      throw new SoniqError(
        `${pending.size} unique keys were taken and freed ${maxKeyAttempts} times in a row: enqueue again`,
      );
    }
    const rows = [...pending.values()];
    const { name, onConflict } = (rows[0] as NewJob).options;
    for (const { key, ...job } of await insertMany(on, rows, queues)) {
      if (job.deduplicated && onConflict === "error") throw new DuplicateJobError(name, job.id);
      found.set(key as string, job);
      pending.delete(key as string);
    }
  }
  return found;
}
