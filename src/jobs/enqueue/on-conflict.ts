import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { changesOnConflict } from "../row/job-columns.js";
import { holdsKey } from "../row/unique-key.js";
import { changesHolder, type UniqueRule } from "../definition/unique-settings.js";

type Conflict = UniqueRule["onConflict"];

/**
 * What an insert does with a job that holds its key. One that waits may be changed; one that runs has read its payload. A
 * replaced job keeps its place, or a key that is enqueued faster than it is worked would never have its turn; a rescheduled one
 * has a new one. Where nothing would change, nothing is written: a key that is enqueued all the time would leave a dead row each
 * time.
 */
export function onConflict(conflict: Conflict, maxWaitMs: SQL): SQL {
  const target = sql`on conflict (unique_key) where ${holdsKey}`;
  if (!changesHolder(conflict)) return sql`${target} do nothing`;
  const changes = changesOnConflict(conflict, maxWaitMs);
  const set = changes.map(({ name, value }) => sql`${sql.identifier(name)} = ${value}`);
  const differs = changes.map(({ name, value }) => sql`${soniqJobs}.${sql.identifier(name)} is distinct from ${value}`);
  return sql`${target} do update set ${sql.join(set, sql`, `)}
    where ${soniqJobs.state} = 'queued' and (${sql.join(differs, sql` or `)})`;
}

/** In `returning`: whether the job was there before. Then `xmax` has the transaction that changed it. */
export function wasThere(conflict: Conflict): SQL {
  return changesHolder(conflict) ? sql`xmax <> 0` : sql`false`;
}
