import { oneRow } from "../../core/fragments.js";
import { builder, resolvePrimary } from "../../core/builder.js";
import { DuplicateJobError, SoniqError } from "../../core/errors.js";
import { explainMissingTables } from "../../core/missing-tables.js";
import type { Queryable } from "../../core/queryable.js";
import { retryConflicts } from "../../core/retry-conflicts.js";
import type { JobDefinition } from "../definition/define-job.js";
import { mayRing, ring } from "../../sessions/doorbell.js";
import { insert } from "./insert.js";
import { insertKeyed } from "./insert-keyed.js";
import { findKeyHolder } from "./key-holders.js";
import {
  checkOptions,
  type Enqueued,
  type EnqueueOptions,
  type JobOptions,
  newJob,
  type NewJob,
  tellEnqueued,
} from "./new-job.js";

/** How often to try where the holder of a key finishes between two statements. */
const keyRounds = 5;

/**
 * Enqueues a job; on a transaction, the job exists if and only if that transaction commits.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param payload what the definition's validator takes, stored as it is
 * @returns the job's id, or that of the job that holds the same unique key
 * @throws InvalidValueError before any SQL, if the payload or an option is not valid
 * @throws DuplicateJobError if another job holds the key, and the definition's `unique.onConflict` is `"error"`
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function enqueue<Name extends string, In, Out, ResultIn, ResultOut>(
  db: Queryable,
  job: JobDefinition<Name, In, Out, ResultIn, ResultOut>,
  payload: NoInfer<In>,
  options: EnqueueOptions = {},
): Promise<Enqueued<Name>> {
  resolvePrimary(db);
  const row = await newJob(job, payload, checkOptions(job, options));
  const { queue } = row.options;
  const rings = isDue(row.options) && mayRing(queue);
  const enqueued = await inserted(db, row, rings).catch(explainMissingTables);
  if (enqueued.deduplicated && row.options.onConflict === "error") throw new DuplicateJobError(job.name, enqueued.id);
  // It may have waited long for a connection: what the last bell woke up has looked by then.
  if (!enqueued.deduplicated && isDue(row.options) && !rings && mayRing(queue)) await ringAlone(db, queue);
  if (!enqueued.deduplicated) tellEnqueued(job, enqueued.id, payload);
  return { ...enqueued, name: job.name };
}

async function inserted(db: Queryable, row: NewJob, rings: boolean): Promise<Pick<Enqueued, "id" | "deduplicated">> {
  const { uniqueKey, options } = row;
  if (uniqueKey === null) {
    const id = await retryConflicts(db, (on) => insert(on, row, rings));
    return { id, deduplicated: false };
  }
  for (let round = 0; round < keyRounds; round += 1) {
    // Without a window, only keys that an older version of the definition left are over: they are freed in the second round.
    const frees = round > 0 || options.withinMs !== null;
    const enqueued = await retryConflicts(db, (on) => insertKeyed(on, row, { frees, rings }));
    if (enqueued !== undefined) return enqueued;
    const id = await retryConflicts(db, (on) => findKeyHolder(on, uniqueKey));
    if (id !== undefined) return { id, deduplicated: true };
  }
  throw new SoniqError(
    `job ${options.name}: the unique key ${uniqueKey} was taken and freed ${keyRounds} times in a row: enqueue again`,
  );
}

async function ringAlone(db: Queryable, queue: string): Promise<void> {
  await retryConflicts(db, (on) =>
    builder(on)
      .select({ rung: ring(queue) })
      .from(oneRow),
  );
}

/** Jobs for later ring no bell: polling finds them when they are due. */
export function isDue({ runAtMs, delayMs }: JobOptions): boolean {
  return runAtMs === null && !delayMs;
}
