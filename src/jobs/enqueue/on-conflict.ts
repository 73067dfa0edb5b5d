import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { changesOnConflict } from "../row/job-columns.js";
import { holdsKey } from "../row/unique-key.js";
import { changesHolder, type UniqueRule } from "../definition/unique-settings.js";

type Conflict = UniqueRule["onConflict"];

/**
 * Builds the `on conflict` clause for a job that holds the key. Only a waiting job may change, because a running job has read its
 * payload. A replaced job keeps its position: otherwise a key that is enqueued faster than it is worked would never get its turn.
 * A rescheduled job gets a new position. If nothing would change, the clause writes nothing: otherwise a key that is enqueued
 * constantly would leave a dead row each time.
 */
export function buildOnConflict(conflict: Conflict, maxWaitMs: SQL): SQL {
  const target = sql`on conflict (unique_key) where ${holdsKey}`;
  if (!changesHolder(conflict)) return sql`${target} do nothing`;
  const changes = changesOnConflict(conflict, maxWaitMs);
  const set = changes.map(({ name, value }) => sql`${sql.identifier(name)} = ${value}`);
  const differs = changes.map(({ name, value }) => sql`${soniqJobs}.${sql.identifier(name)} is distinct from ${value}`);
  return sql`${target} do update set ${sql.join(set, sql`, `)}
    where ${soniqJobs.state} = 'queued' and (${sql.join(differs, sql` or `)})`;
}

/** For `returning`: whether the job existed before. If so, `xmax` is the transaction that changed it. */
export function wasUpdated(conflict: Conflict): SQL {
  return changesHolder(conflict) ? sql`xmax <> 0` : sql`false`;
}
