import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { anyId, builder, resolvePrimary } from "../../core/builder.js";
import { findErrorCode } from "../../core/errors.js";
import { classifyFailure } from "../../core/failure.js";
import { bisectFailures } from "../../core/bisect-failures.js";
import { explainMissingTables } from "../../core/missing-tables.js";
import type { Queryable } from "../../core/queryable.js";
import { retryConflicts } from "../../core/retry-conflicts.js";
import { runAtSavepoint } from "../../core/savepoint.js";
import { ring } from "../../sessions/doorbell.js";
import { valuesOnRetry } from "../row/job-columns.js";
import { idOf, type JobHandle } from "../row/job-handle.js";
import { type MappedPayload, mapPayloads, type PayloadMapping } from "./payload-mapping.js";
import { holdsKey, canBeTakenOver } from "../row/unique-key.js";

/** The result of a retry. */
export interface Retried {
  /** The ids of the jobs that are queued again. */
  readonly retried: readonly number[];
  /** The jobs that were not retried and did not change. */
  readonly refused: readonly RetryRefusal[];
}

/** Why a job was not retried. */
export type RetryRefusal =
  /** Another job holds its unique key. */
  | { readonly id: number; readonly reason: "key-held"; readonly heldBy: number }
  /** There is no dead letter with this id, or it does not belong to the mapping's job. */
  | { readonly id: number; readonly reason: "not-a-dead-letter" }
  /** Another transaction has locked the job or its key: try again. */
  | { readonly id: number; readonly reason: "locked" }
  /** Its new payload is not valid, or the database refuses the change. */
  | { readonly id: number; readonly reason: "failed"; readonly error: unknown };

/** Options of a retry. */
export interface RetryOptions<In, Old = unknown> {
  /** Replaces the payloads, for dead letters of one job whose payload was wrong. Dead letters of other jobs are refused. */
  readonly mapping?: PayloadMapping<In, Old> | undefined;
}

const batchSize = 1_000;
/** Smaller, because payloads may be large. */
const mappedBatchSize = 100;

/**
 * dead → queued: a dead letter starts over with all its attempts, and takes its unique key again. Its errors are kept, and
 * `manualRetries` increases by one. A job that cannot be retried does not change, and does not hold up the rest.
 *
 * @param db any Drizzle PostgreSQL database or transaction; outside a transaction, each batch of 1,000 jobs commits separately
 * @param jobs the dead letters, one or many: their ids, or the objects that `enqueue`, `getJob` or `listDeadLetters` returned
 * @param options `mapping`: replaces their payloads
 * @returns the jobs that are queued again, and the refused jobs with the reason for each
 * @throws InvalidValueError before any SQL for something that is not a job
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function retryJobs<In = unknown, Old = unknown>(
  db: Queryable,
  jobs: JobHandle | readonly JobHandle[],
  { mapping }: RetryOptions<In, Old> = {},
): Promise<Retried> {
  resolvePrimary(db);
  const handles: readonly JobHandle[] = Array.isArray(jobs) ? jobs : [jobs as JobHandle];
  const requestedIds = [...new Set(handles.map(idOf))];
  const validIds = requestedIds.filter(Number.isSafeInteger);
  const retried: number[] = [];
  const refused: RetryRefusal[] = requestedIds
    .filter((id) => !Number.isSafeInteger(id))
    .map((id) => ({ id, reason: "not-a-dead-letter" }));
  const size = mapping ? mappedBatchSize : batchSize;
  for (let from = 0; from < validIds.length; from += size) {
    const result = await retryBatch(db, validIds.slice(from, from + size), mapping).catch(explainMissingTables);
    retried.push(...result.retried);
    refused.push(...result.refused);
  }
  return { retried, refused };
}

async function retryBatch<In, Old>(
  db: Queryable,
  ids: readonly number[],
  mapping: PayloadMapping<In, Old> | undefined,
): Promise<Retried> {
  const failures = new Map<number, unknown>();
  const onFailure = (id: number, error: unknown) => void failures.set(id, error);
  // An update has no `on conflict`: a key that is taken while the statement runs fails the whole batch.
  const retryAll = (all: readonly number[], mapped?: ReadonlyMap<number, MappedPayload>) =>
    bisectFailures(
      all,
      (batch) =>
        retryConflicts(db, (on) => runAtSavepoint(on, (at) => retryRows(at, batch, mapping?.job.name, mapped))),
      onFailure,
    );
  const retried: number[] = [];
  if (mapping) {
    for await (const mapped of mapPayloads(db, ids, mapping, onFailure))
      retried.push(...(await retryAll([...mapped.keys()], mapped)));
  } else retried.push(...(await retryAll(ids)));
  const done = new Set(retried);
  const remaining = ids.filter((id) => !done.has(id));
  return {
    retried,
    refused: remaining.length === 0 ? [] : await explainRefusals(db, remaining, mapping?.job.name, failures),
  };
}

async function retryRows(
  db: Queryable,
  ids: readonly number[],
  name: string | undefined,
  mapped: ReadonlyMap<number, MappedPayload> = new Map(),
): Promise<number[]> {
  const { payloads, manualRetries } = toJsonById(ids, mapped);
  const qb = builder(db);
  const wanted = lockJobs(db, ids, name);
  const freed = freeExpiredKeys(db, wanted);
  // One job per key: the job that still holds it, or the oldest. Counting `freed` makes PostgreSQL free the keys before any is
  // taken.
  const free = sql`select id from (
      select *, row_number() over (partition by unique_key, case when unique_key is null then id end order by unique_held desc, id) as nth
      from ${wanted} where state = 'dead'
    ) as dead
    where nth = 1 and not exists (${selectHolder(sql`dead`)}) and (select count(*) from ${freed}) >= 0
       and manual_retries = coalesce((${manualRetries}::text::jsonb -> id::text)::int, manual_retries)`;
  const retried = qb.$with("retried").as(
    qb
      .update(soniqJobs)
      .set({
        ...valuesOnRetry(),
        payload: sql`coalesce(${payloads}::text::jsonb -> ${soniqJobs.id}::text, ${soniqJobs.payload})`,
      })
      .where(sql`${soniqJobs.id} = any (array(${free}))`)
      .returning({ id: soniqJobs.id, queue: soniqJobs.queue }),
  );
  const rows = await qb
    .with(wanted, freed, retried)
    .select({
      id: retried.id,
      rung: sql`case when row_number() over (partition by ${retried.queue}) = 1 then ${ring(sql`${retried.queue}`)} end`,
    })
    .from(retried);
  return rows.map(({ id }) => id);
}

/** Returns the mapped payloads of some jobs, and their `manualRetries`, as one JSON object each. */
function toJsonById(ids: readonly number[], mapped: ReadonlyMap<number, MappedPayload>) {
  const replacements = ids.flatMap((id) => {
    const payload = mapped.get(id);
    return payload ? [{ id, ...payload }] : [];
  });
  return {
    payloads: `{${replacements.map(({ id, json }) => `"${id}":${json}`).join()}}`,
    manualRetries: `{${replacements.map(({ id, manualRetries }) => `"${id}":${manualRetries}`).join()}}`,
  };
}

/** Locks the jobs to retry, in any state. */
function lockJobs(db: Queryable, ids: readonly number[], name: string | undefined) {
  const qb = builder(db);
  // The CTEs below check the state: with that condition here and stale statistics, the planner would walk all dead letters.
  return qb.$with("wanted").as(
    qb
      .select({
        id: soniqJobs.id,
        state: soniqJobs.state,
        uniqueKey: soniqJobs.uniqueKey,
        uniqueHeld: soniqJobs.uniqueHeld,
        manualRetries: soniqJobs.manualRetries,
      })
      .from(soniqJobs)
      .where(
        and(
          sql`${soniqJobs.id} = ${anyId(ids)}`,
          isNull(soniqJobs.workerId),
          name === undefined ? undefined : eq(soniqJobs.name, name),
        ),
      )
      .for("no key update", { skipLocked: true }),
  );
}

/** Frees the keys of the dead letters that other jobs hold, if they can be taken over. */
function freeExpiredKeys(db: Queryable, wanted: ReturnType<typeof lockJobs>) {
  const qb = builder(db);
  return qb.$with("freed").as(
    qb
      .update(soniqJobs)
      .set({ uniqueHeld: false })
      .where(
        and(
          sql`${soniqJobs.uniqueKey} in (select ${wanted.uniqueKey} from ${wanted} where ${wanted.state} = 'dead') and ${holdsKey}`,
          sql`${soniqJobs.id} not in (select ${wanted.id} from ${wanted} where ${wanted.state} = 'dead')`,
          canBeTakenOver,
        ),
      )
      .returning({ id: soniqJobs.id }),
  );
}

/** Selects the other job that holds the unique key of a job. */
function selectHolder(job: SQL): SQL {
  return sql`select holder.id from ${soniqJobs} as holder
    where holder.unique_key = ${job}.unique_key and holder.id <> ${job}.id and ${holdsKey} and not ${canBeTakenOver}`;
}

async function explainRefusals(
  db: Queryable,
  ids: readonly number[],
  name: string | undefined,
  failures: ReadonlyMap<number, unknown>,
): Promise<RetryRefusal[]> {
  const rows = await builder(db)
    .select({
      id: soniqJobs.id,
      state: soniqJobs.state,
      name: soniqJobs.name,
      heldBy: sql<string | null>`(${selectHolder(sql`${soniqJobs}`)})`,
    })
    .from(soniqJobs)
    .where(sql`${soniqJobs.id} = ${anyId(ids)}`);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => {
    const row = byId.get(id);
    const error = failures.get(id);
    if (row?.state !== "dead" || row.name !== (name ?? row.name)) return { id, reason: "not-a-dead-letter" };
    if (error !== undefined && !isLockConflict(error)) return { id, reason: "failed", error };
    return row.heldBy === null ? { id, reason: "locked" } : { id, reason: "key-held", heldBy: Number(row.heldBy) };
  });
}

/** Whether a job or its key is locked. A unique violation counts, too: the transaction that took the key has freed it since. */
function isLockConflict(error: unknown): boolean {
  return classifyFailure(error) === "lock" || findErrorCode(error) === "23505";
}
