import { sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { compiled } from "../core/compiled.js";
import type { Queryable } from "../core/queryable.js";
import { rowsOf } from "../core/rows.js";
import { ring } from "./doorbell.js";
import { dueFrom } from "./due.js";
import type { NewJob } from "./new-job.js";

/**
 * Inserts a job that has no unique key.
 *
 * @param rings whether a worker that waits is woken up
 * @returns its id
 */
export async function insert(db: Queryable, { payload, options }: NewJob, rings: boolean): Promise<number> {
  const { runAtMs = null, delayMs = null } = options;
  const statement = rings ? ringingInsertion : insertion;
  const [job] = await rowsOf<{ id: string | number }>(db, statement(db, { ...options, payload, runAtMs, delayMs }));
  return Number((job as { id: string | number }).id);
}

const returned = { id: soniqJobs.id };

const insertion = compiled((db) => insertionOn(db).returning(returned));

const ringingInsertion = compiled((db) =>
  insertionOn(db).returning({ ...returned, rung: ring(sql`${sql.placeholder("queue")}::text`).as("rung") }),
);

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
      runAt: dueFrom(sql`${placeholder("runAtMs")}::float8`, sql`${placeholder("delayMs")}::float8`),
    });
}
