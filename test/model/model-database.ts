// The databases that the model is compared with. Their clock stands still until the model moves it, and their chance is
// always one half: public functions that are found before those of PostgreSQL.
import { PGlite } from "@electric-sql/pglite";
import { sql } from "drizzle-orm";
import { drizzle as overPglite } from "drizzle-orm/pglite";
import { drizzle as overPostgres } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { afterAll } from "vitest";
import { builder } from "../../src/core/builder.ts";
import type { Queryable } from "../../src/core/queryable.ts";
import { migrate } from "../../src/database/migrate.ts";
import { testDatabase } from "../support/database.ts";
import type { Job } from "./job-model.ts";

const ours = "public, pg_catalog";

export async function onPostgres(): Promise<Queryable> {
  const { url } = await testDatabase({ migrated: false });
  // The clock is a setting of the one connection.
  const client = postgres(url, { max: 1, onnotice: () => {}, connection: { search_path: ours } });
  afterAll(() => client.end({ timeout: 1 }));
  return prepared(overPostgres({ client }));
}

export async function onPglite(): Promise<Queryable> {
  const client = new PGlite();
  afterAll(() => client.close());
  await client.exec(`set search_path = ${ours}`);
  return prepared(overPglite({ client }));
}

async function prepared(db: Queryable): Promise<Queryable> {
  for (const statement of [
    "create function now() returns timestamptz language sql stable as $$ select timestamptz '2030-01-01 00:00Z' + pg_catalog.current_setting('model.now')::int8 * interval '1 millisecond' $$",
    "create function clock_timestamp() returns timestamptz language sql stable as $$ select now() $$",
    "create function random() returns float8 language sql stable as $$ select 0.5::float8 $$",
    "create function ms(t timestamptz) returns int8 language sql stable as $$ select (extract(epoch from t - timestamptz '2030-01-01 00:00Z') * 1000)::int8 $$",
    "set model.now = 0",
  ]) {
    await db.execute(sql.raw(statement));
  }
  await migrate(db);
  return db;
}

/** A job as it is stored, in the model's words. */
export type Row = Omit<Job, "late" | "refunds"> & { readonly attempt: number };

export interface Rows {
  readonly jobs: readonly Row[];
  readonly sessions: readonly {
    readonly id: string;
    readonly leaseExpiresAt: number;
    readonly endedAt: number | null;
  }[];
}

/** Everything there is, read at once; from then on it is `now`. */
export async function readAll(db: Queryable, now: number): Promise<Rows> {
  const [found] = await builder(db)
    .select({
      set: sql`set_config('model.now', ${String(now)}, false)`,
      rows: sql<string>`json_build_object(
        'jobs', array(select json_build_object('id', id, 'name', name, 'queue', queue, 'priority', priority, 'state', state,
          'runAt', ms(run_at), 'claims', claims, 'claimToken', claim_token, 'attempt', attempt, 'maxAttempts', max_attempts, 'crashes', crashes,
          'errors', jsonb_array_length(errors), 'workerId', worker_id, 'lastWorkerId', last_worker_id,
          'createdAt', ms(created_at), 'claimedAt', ms(claimed_at), 'deadlineAt', ms(deadline_at), 'cancelRequestedAt', ms(cancel_requested_at),
          'unknownSince', ms(unknown_since), 'uniqueKey', unique_key, 'uniqueHeld', unique_held, 'uniqueUntil', unique_until,
          'uniqueExpiresAt', ms(unique_expires_at), 'finishedAt', ms(finished_at), 'result', result, 'reason', split_part(reason, ':', 1), 'manualRetries', manual_retries)
          from soniq_jobs order by id),
        'sessions', array(select json_build_object('id', id, 'leaseExpiresAt', ms(lease_expires_at), 'endedAt', ms(ended_at))
          from soniq_workers order by id))::text`,
    })
    .from(sql`(values (1)) as one`);
  return JSON.parse((found as { rows: string }).rows) as Rows;
}

export async function empty(db: Queryable): Promise<void> {
  await db.execute(sql`truncate soniq_jobs, soniq_workers, soniq_queues restart identity`);
  await db.execute(sql`set model.now = 0`);
}
