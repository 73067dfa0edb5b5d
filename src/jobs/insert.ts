import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import { compiled } from "../core/compiled.js";
import type { Queryable } from "../core/queryable.js";
import { rowsOf } from "../core/rows.js";
import { ring } from "./doorbell.js";
import { dueFrom } from "./due.js";
import type { Enqueued, NewJob } from "./new-job.js";
import { changes, isWaiting, noLater, wasThere } from "./on-conflict.js";
import { holdsKey, isOver } from "./unique-key.js";
import { changesHolder, type UniqueRule } from "./unique-settings.js";

/**
 * Inserts a job; where another holds its key, changes that one if it waits and that is what its definition says.
 *
 * @param how `frees`: whether the key is freed before, if it is over; `rings`: whether a worker that waits is woken up
 * @returns undefined if another job holds the key, and was not to be changed or does not wait
 */
export async function insert(
  db: Queryable,
  { payload, uniqueKey, options }: NewJob,
  { frees, rings }: { frees: boolean; rings: boolean },
): Promise<Pick<Enqueued, "id" | "deduplicated"> | undefined> {
  const { runAtMs = null, delayMs = null } = options;
  const withinMs = uniqueKey === null ? null : options.withinMs;
  const { plain, ringing, freeing } = insertions[options.onConflict];
  const statement = frees && uniqueKey !== null ? freeing : rings ? ringing : plain;
  const [job] = await rowsOf<{ id: string | number; deduplicated: boolean }>(
    db,
    statement(db, { ...options, payload, uniqueKey, runAtMs, delayMs, withinMs, rings }),
  );
  return job && { id: Number(job.id), deduplicated: job.deduplicated };
}

/** The insert by itself; with the bell; and after the key was freed, with the bell if that is asked for. */
function ways(onConflict: UniqueRule["onConflict"]) {
  const { placeholder } = sql;
  const bell = ring(sql`${placeholder("queue")}::text`);
  return {
    plain: compiled((db) => insertion(db, onConflict, sql`${placeholder("uniqueKey")}`)),
    ringing: compiled((db) => {
      const qb = builder(db);
      const inserted = qb.$with("inserted").as(insertion(db, onConflict, sql`${placeholder("uniqueKey")}`));
      const { id, deduplicated } = inserted;
      return qb
        .with(inserted)
        .select({ id, deduplicated, rung: bell.as("rung") })
        .from(inserted);
    }),
    freeing: compiled((db) => {
      const qb = builder(db);
      const freed = qb.$with("freed").as(
        qb
          .update(soniqJobs)
          .set({ uniqueHeld: false })
          .where(sql`${soniqJobs.uniqueKey} = ${placeholder("uniqueKey")} and ${holdsKey} and ${isOver}`)
          .returning({ id: soniqJobs.id }),
      );
      // It must read what was freed: they would else be carried out in any order.
      const key = sql`(select ${placeholder("uniqueKey")}::text from (select count(*) from freed) as done)`;
      const inserted = qb.$with("inserted").as(insertion(db, onConflict, key));
      const { id, deduplicated } = inserted;
      return qb
        .with(freed, inserted)
        .select({ id, deduplicated, rung: sql`case when ${placeholder("rings")}::boolean then ${bell} end`.as("rung") })
        .from(inserted);
    }),
  };
}

const leavesHolder = ways("keep");
const insertions = {
  keep: leavesHolder,
  error: leavesHolder,
  replace: ways("replace"),
  reschedule: ways("reschedule"),
};

function insertion(db: Queryable, onConflict: UniqueRule["onConflict"], uniqueKey: SQL) {
  const { placeholder } = sql;
  const maxWaitMs = sql`${placeholder("maxWaitMs")}`;
  const due = dueFrom(sql`${placeholder("runAtMs")}::float8`, sql`${placeholder("delayMs")}::float8`);
  const inserting = builder(db)
    .insert(soniqJobs)
    .values({
      name: placeholder("name"),
      queue: placeholder("queue"),
      priority: placeholder("priority"),
      maxAttempts: placeholder("maxAttempts"),
      payload: sql`${placeholder("payload")}::text::jsonb`,
      tags: sql`${placeholder("tags")}::text::jsonb`,
      meta: sql`${placeholder("meta")}::text::jsonb`,
      uniqueKey,
      uniqueUntil: placeholder("uniqueUntil"),
      uniqueExpiresAt: sql`clock_timestamp() + ${placeholder("withinMs")}::float8 * interval '1 millisecond'`,
      runAt: onConflict === "reschedule" ? noLater(due, sql`now()`, maxWaitMs) : due,
    });
  const target = soniqJobs.uniqueKey;
  return changesHolder(onConflict)
    ? inserting
        .onConflictDoUpdate({ target, targetWhere: holdsKey, set: changes(onConflict, maxWaitMs), setWhere: isWaiting })
        .returning({ id: soniqJobs.id, deduplicated: wasThere.as("deduplicated") })
    : inserting
        .onConflictDoNothing({ target, where: holdsKey })
        .returning({ id: soniqJobs.id, deduplicated: sql<boolean>`false`.as("deduplicated") });
}
