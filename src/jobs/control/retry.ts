import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { anyId, builder, resolvePrimary } from "../../core/builder.js";
import { findErrorCode } from "../../core/errors.js";
import { classifyFailure } from "../../core/failure.js";
import { bisectFailures } from "../../core/in-halves.js";
import { explainMissingTables } from "../../core/missing-tables.js";
import type { Queryable } from "../../core/queryable.js";
import { retryConflicts } from "../../core/retry-conflicts.js";
import { runAtSavepoint } from "../../core/savepoint.js";
import { ring } from "../../sessions/doorbell.js";
import { valuesOnRetry } from "../row/job-columns.js";
import { idOf, type JobHandle } from "../row/job-handle.js";
import { type MappedPayload, mapPayloads, type PayloadMapping } from "./payload-mapping.js";
import { holdsKey, canBeTakenOver } from "../row/unique-key.js";

/** What became of jobs that were to be retried. */
export interface Retried {
  /** The jobs that are queued again. */
  readonly retried: readonly number[];
  /** The others, which are as they were. */
  readonly refused: readonly RetryRefusal[];
}

/** Why a job was not retried. */
export type RetryRefusal =
  /** Another job has taken its unique key meanwhile. */
  | { readonly id: number; readonly reason: "key-held"; readonly heldBy: number }
  /** There is no dead letter of this id, or, with a mapping, none of that job. */
  | { readonly id: number; readonly reason: "not-a-dead-letter" }
  /** Another transaction has the job, or its key, in hand: try again. */
  | { readonly id: number; readonly reason: "locked" }
  /** Its new payload is not valid, or the database refuses the change. */
  | { readonly id: number; readonly reason: "failed"; readonly error: unknown };

/** How jobs are retried. */
export interface RetryOptions<In, Old = unknown> {
  /** Makes the payloads anew, for dead letters of one job whose payload was not what it should have been: others are refused. */
  readonly mapping?: PayloadMapping<In, Old> | undefined;
}

const batchSize = 1_000;
/** Payloads may be long. */
const mappedBatchSize = 100;

/**
 * dead → queued: a dead letter begins anew, with all its attempts, and takes its unique key again. Its errors are kept, and
 * `manualRetries` is one up. A job that cannot be retried stays as it is and holds up no other.
 *
 * @param db any Drizzle PostgreSQL database or transaction; not on a transaction, each thousand jobs are retried at once
 * @param jobs the dead letters, one or many: their ids, or what `enqueue`, `getJob` or `listDeadLetters` returned
 * @param options `mapping`: makes their payloads anew
 * @returns which jobs are queued again, and of the others why they are not
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
  const wanted = [...new Set(handles.map(idOf))];
  const validIds = wanted.filter(Number.isSafeInteger);
  const retried: number[] = [];
  const refused: RetryRefusal[] = wanted
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
  // A key that is taken while the statement runs is no conflict that an update can pass over: it fails for all.
  const retryAll = (all: readonly number[], mapped?: ReadonlyMap<number, MappedPayload>) =>
    bisectFailures(
      all,
      (result) => retryConflicts(db, (on) => runAtSavepoint(on, (at) => retryRows(at, result, mapping?.job.name, mapped))),
      onFailure,
    );
  const retried: number[] = [];
  if (mapping) {
    for await (const mapped of mapPayloads(db, ids, mapping, onFailure))
      retried.push(...(await retryAll([...mapped.keys()], mapped)));
  } else retried.push(...(await retryAll(ids)));
  const done = new Set(retried);
  const remaining = ids.filter((id) => !done.has(id));
  return { retried, refused: remaining.length === 0 ? [] : await explainRefusals(db, remaining, mapping?.job.name, failures) };
}

async function retryRows(
  db: Queryable,
  ids: readonly number[],
  name: string | undefined,
  mapped: ReadonlyMap<number, MappedPayload> = new Map(),
): Promise<number[]> {
  const replacements = ids.flatMap((id) => {
    const payload = mapped.get(id);
    return payload ? [{ id, ...payload }] : [];
  });
  const payloads = `{${replacements.map(({ id, json }) => `"${id}":${json}`).join()}}`;
  const manualRetries = `{${replacements.map(({ id, manualRetries: times }) => `"${id}":${times}`).join()}}`;
  const qb = builder(db);
  // The state is looked at afterwards: with stale statistics, the planner would walk all dead letters for it.
  const wanted = qb.$with("wanted").as(
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
  const freed = qb.$with("freed").as(
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
  // One job per key: the one that holds it yet, or the oldest. Counted, so that the keys are freed before any is taken.
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

/** The other job that holds the unique key of one. */
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

/** Whoever took the key, in a transaction of their own, has freed it again meanwhile. */
function isLockConflict(error: unknown): boolean {
  return classifyFailure(error) === "lock" || findErrorCode(error) === "23505";
}
