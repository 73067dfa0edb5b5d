import { type Column, type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { dueFrom } from "./due.js";
import { holdsKey } from "./unique-key.js";
import { changesHolder, type UniqueRule } from "./unique-settings.js";

type Conflict = UniqueRule["onConflict"];

/**
 * What an insert does with a job that holds its key. One that waits may be changed; one that runs has read its payload.
 * Where nothing would change, nothing is written: a key that is enqueued all the time would leave a dead row each time.
 */
export function onConflict(conflict: Conflict, maxWaitMs: SQL): SQL {
  const target = sql`on conflict (unique_key) where ${holdsKey}`;
  if (!changesHolder(conflict)) return sql`${target} do nothing`;
  const changes = changesOf(conflict, maxWaitMs);
  const set = changes.map(([column, value]) => sql`${sql.identifier(column.name)} = ${value}`);
  const differs = changes.map(([column, value]) => sql`${column} is distinct from ${value}`);
  return sql`${target} do update set ${sql.join(set, sql`, `)}
    where ${soniqJobs.state} = 'queued' and (${sql.join(differs, sql` or `)})`;
}

/**
 * A replaced job keeps its place, or a key that is enqueued faster than it is worked would never have its turn; a
 * rescheduled one has a new one. The newer definition says when the key is freed.
 */
function changesOf(conflict: "replace" | "reschedule", maxWaitMs: SQL): [Column, SQL][] {
  const { payload, maxAttempts, tags, meta, uniqueUntil, queue, priority, runAt, createdAt } = soniqJobs;
  const content = [payload, maxAttempts, tags, meta, uniqueUntil];
  const place = conflict === "reschedule" ? [queue, priority] : [];
  return [
    ...[...content, ...place].map((column): [Column, SQL] => [column, enqueued(column)]),
    ...(conflict === "reschedule" ? [[runAt, noLater(enqueued(runAt), createdAt, maxWaitMs)] as [Column, SQL]] : []),
  ];
}

function enqueued(column: Column): SQL {
  return sql`excluded.${sql.identifier(column.name)}`;
}

/** In `returning`: whether the job was there before. Then `xmax` has the transaction that changed it. */
export function wasThere(conflict: Conflict): SQL {
  return changesHolder(conflict) ? sql`xmax <> 0` : sql`false`;
}

/** When a new job runs, given in milliseconds since 1970, from now, or not at all. */
export function runAtOf(conflict: Conflict, runAtMs: SQL, delayMs: SQL, maxWaitMs: SQL): SQL {
  const runAt = dueFrom(runAtMs, delayMs);
  return conflict === "reschedule" ? noLater(roundedUp(runAt, delayMs), sql`now()`, maxWaitMs) : runAt;
}

/** To a second, or a 16th of a shorter delay, so that a job which is rescheduled all the time is written only so often. */
function roundedUp(runAt: SQL, delayMs: SQL): SQL {
  const seconds = sql`(least(1000, ${delayMs} / 16) / 1000)`;
  return sql`case when ${delayMs} > 0 then to_timestamp(ceil(extract(epoch from ${runAt}) / ${seconds}) * ${seconds}) else ${runAt} end`;
}

/** A time that is not put off beyond the longest wait; nor is it put behind the claims' marks. */
function noLater(runAt: SQL, createdAt: SQL | Column, maxWaitMs: SQL): SQL {
  return sql`greatest(clock_timestamp(), least(${runAt}, ${createdAt} + ${maxWaitMs}::float8 * interval '1 millisecond'))`;
}
