import { eq, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { compiled } from "../core/compiled.js";
import { SoniqError } from "../core/errors.js";
import { explainMissingTables } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";
import { rowsOf } from "../core/rows.js";
import { retryConflicts } from "../core/retry-conflicts.js";
import type { JobDefinition } from "./define-job.js";
import { mayRing, ring } from "./doorbell.js";
import { dueFrom } from "./due.js";
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

/** How often to try where the holder of a key finishes between two statements. */
const keyRounds = 5;

/**
 * Enqueues a job; on a transaction, the job exists if and only if that transaction commits.
 *
 * @param db any Drizzle PostgreSQL database or transaction
 * @param payload what the definition's validator takes, stored as it is
 * @returns the job's id, or that of the unfinished job that holds the same unique key
 * @throws InvalidValueError before any SQL, if the payload or an option is not valid
 * @throws MigrationError if the job tables are missing or older than this version
 */
export async function enqueue<Name extends string, In, Out, ResultIn, ResultOut>(
  db: Queryable,
  job: JobDefinition<Name, In, Out, ResultIn, ResultOut>,
  payload: NoInfer<In>,
  options: EnqueueOptions = {},
): Promise<Enqueued<Name>> {
  const row = await newJob(job, payload, checkOptions(job, options));
  const { queue } = row.options;
  for (let round = 0; round < keyRounds; round += 1) {
    const rings = isDue(row.options) && mayRing(queue);
    const id = await retryConflicts(db, (on) => insert(on, row, rings)).catch(explainMissingTables);
    if (id !== undefined) {
      // It may have waited long for a connection: what the last bell woke up has looked by then.
      if (isDue(row.options) && !rings && mayRing(queue)) await ringAlone(db, queue);
      tellEnqueued(job, id, payload);
      return { id, name: job.name, deduplicated: false };
    }
    const holder = await keyHolder(db, row.uniqueKey as string);
    if (holder !== undefined) return { id: holder, name: job.name, deduplicated: true };
  }
  throw new SoniqError(
    `job ${job.name}: the unique key ${row.uniqueKey} was taken and freed ${keyRounds} times in a row: enqueue again`,
  );
}

async function insert(
  db: Queryable,
  { payload, uniqueKey, options }: NewJob,
  rings: boolean,
): Promise<number | undefined> {
  const { runAtMs = null, delayMs = null } = options;
  const statement = rings ? ringingInsertion : insertion;
  const [job] = await rowsOf<{ id: string | number }>(
    db,
    statement(db, { ...options, payload, uniqueKey, runAtMs, delayMs }),
  );
  return job && Number(job.id);
}

const insertion = compiled(insertionOn);

const ringingInsertion = compiled((db) => {
  const qb = builder(db);
  const inserted = qb.$with("inserted").as(insertionOn(db));
  return qb
    .with(inserted)
    .select({ id: inserted.id, rung: ring(sql`${sql.placeholder("queue")}::text`).as("rung") })
    .from(inserted);
});

function insertionOn(db: Queryable) {
  const { placeholder } = sql;
  return builder(db)
    .insert(soniqJobs)
    .values({
      name: placeholder("name"),
      queue: placeholder("queue"),
      priority: placeholder("priority"),
      maxAttempts: placeholder("maxAttempts"),
      payload: sql`${placeholder("payload")}::text::jsonb`,
      tags: sql`${placeholder("tags")}::text::jsonb`,
      meta: sql`${placeholder("meta")}::text::jsonb`,
      uniqueKey: placeholder("uniqueKey"),
      runAt: dueFrom(sql`${placeholder("runAtMs")}::float8`, sql`${placeholder("delayMs")}::float8`),
    })
    .onConflictDoNothing({ target: soniqJobs.uniqueKey, where: holdsKey })
    .returning({ id: soniqJobs.id });
}

async function ringAlone(db: Queryable, queue: string): Promise<void> {
  await builder(db)
    .select({ rung: ring(queue) })
    .from(sql`(values (1)) as one`);
}

/** The unfinished job that holds a key. */
async function keyHolder(db: Queryable, key: string): Promise<number | undefined> {
  const [holder] = await builder(db)
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(sql`${eq(soniqJobs.uniqueKey, key)} and ${holdsKey}`);
  return holder?.id;
}

/** Jobs for later ring no bell: polling finds them when they are due. */
export function isDue({ runAtMs, delayMs }: JobOptions): boolean {
  return runAtMs === undefined && !delayMs;
}
