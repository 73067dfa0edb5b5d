import { oneRow } from "../../core/fragments.js";
import { builder, resolvePrimary } from "../../core/builder.js";
import { DuplicateJobError, SoniqError } from "../../core/errors.js";
import { explainMissingTables } from "../../core/missing-tables.js";
import type { Queryable } from "../../core/queryable.js";
import { retryConflicts } from "../../core/retry-conflicts.js";
import type { JobDefinition } from "../definition/define-job.js";
import { mayRing, ring } from "../../sessions/doorbell.js";
import { insertJob } from "./insert.js";
import { insertKeyed } from "./insert-keyed.js";
import { findKeyHolder } from "./find-key-holder.js";
import {
  parseOptions,
  type Enqueued,
  type EnqueueOptions,
  type JobOptions,
  createNewJob,
  type NewJob,
  notifyEnqueued,
} from "./new-job.js";

/** How often to retry if the holder of a key finishes between two statements. */
const maxKeyAttempts = 5;

/**
 * Enqueues a job. On a transaction, the job exists if and only if that transaction commits.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param payload valid input of the definition's validator; it is stored unchanged
 * @returns the job's id, or the id of the job that holds the same unique key
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
  const row = await createNewJob(job, payload, parseOptions(job, options));
  const { queue } = row.options;
  const notify = isDue(row.options) && mayRing(queue);
  const enqueued = await insertOrFind(db, row, notify).catch(explainMissingTables);
  if (enqueued.deduplicated && row.options.onConflict === "error") throw new DuplicateJobError(job.name, enqueued.id);
  // Waiting for a connection may have outlasted the rate limit. The worker that the last NOTIFY woke has polled by then, so
  // notify again.
  if (!enqueued.deduplicated && isDue(row.options) && !notify && mayRing(queue)) await ringDoorbell(db, queue);
  if (!enqueued.deduplicated) notifyEnqueued(job, enqueued.id, payload);
  return { ...enqueued, name: job.name };
}

async function insertOrFind(
  db: Queryable,
  row: NewJob,
  notify: boolean,
): Promise<Pick<Enqueued, "id" | "deduplicated">> {
  const { uniqueKey, options } = row;
  if (uniqueKey === null) {
    const id = await retryConflicts(db, (on) => insertJob(on, row, notify));
    return { id, deduplicated: false };
  }
  for (let attempt = 0; attempt < maxKeyAttempts; attempt += 1) {
    // Without a window, a key can be taken over only if an older version of the definition had one. The second attempt frees it.
    const freeExpiredKey = attempt > 0 || options.withinMs !== null;
    const enqueued = await retryConflicts(db, (on) => insertKeyed(on, row, { freeExpiredKey, notify }));
    if (enqueued !== undefined) return enqueued;
    const id = await retryConflicts(db, (on) => findKeyHolder(on, uniqueKey));
    if (id !== undefined) return { id, deduplicated: true };
  }
  throw new SoniqError(
    `job ${options.name}: the unique key ${uniqueKey} was taken and freed ${maxKeyAttempts} times in a row: enqueue again`,
  );
}

async function ringDoorbell(db: Queryable, queue: string): Promise<void> {
  await retryConflicts(db, (on) =>
    builder(on)
      .select({ rung: ring(queue) })
      .from(oneRow),
  );
}

/** Whether a job is due at once. Jobs for later send no NOTIFY: polling finds them when they are due. */
export function isDue({ runAtMs, delayMs }: JobOptions): boolean {
  return runAtMs === null && !delayMs;
}
