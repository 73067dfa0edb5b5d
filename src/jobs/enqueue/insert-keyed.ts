import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { prepareStatement } from "../../core/prepare-statement.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/fetch-rows.js";
import { ring } from "../../sessions/doorbell.js";
import { buildJobInsert, type JobInput, castInput } from "../row/job-columns.js";
import type { Enqueued, NewJob } from "./new-job.js";
import { buildOnConflict, wasUpdated } from "./on-conflict.js";
import { holdsKey, canBeTakenOver } from "../row/unique-key.js";
import type { UniqueRule } from "../definition/unique-settings.js";

/**
 * Inserts a job with a unique key. If a waiting job holds the key and `onConflict` is `replace` or `reschedule`, changes that job
 * instead.
 *
 * @param how `freeExpiredKey`: first free the key if it can be taken over; `notify`: wake a waiting worker
 * @returns undefined if another job holds the key and did not change: `onConflict` forbids it, the job is running, or it already
 *   equals this job
 */
export async function insertKeyed(
  db: Queryable,
  { payload, uniqueKey, options }: NewJob,
  { freeExpiredKey, notify }: { freeExpiredKey: boolean; notify: boolean },
): Promise<Pick<Enqueued, "id" | "deduplicated"> | undefined> {
  const { plain, notifying, freeing } = statements[options.onConflict];
  const statement = freeExpiredKey ? freeing : notify ? notifying : plain;
  const [job] = await fetchRows<{ id: string | number; deduplicated: boolean }>(
    db,
    statement(db, { ...options, payload, uniqueKey, notify }),
  );
  return job && { id: Number(job.id), deduplicated: job.deduplicated };
}

const keepStatements = prepareVariants("keep");
const statements = {
  keep: keepStatements,
  error: keepStatements,
  replace: prepareVariants("replace"),
  reschedule: prepareVariants("reschedule"),
};

/**
 * Prepares three variants: a plain insert, an insert with a NOTIFY, and an insert that first frees an expired key and may send a
 * NOTIFY.
 */
function prepareVariants(conflict: UniqueRule["onConflict"]) {
  const { placeholder } = sql;
  const key = sql`${placeholder("uniqueKey")}::text`;
  const bell = ring(sql`${placeholder("queue")}::text`);
  return {
    plain: prepareStatement(() => buildKeyedInsert(conflict, key)),
    notifying: prepareStatement(
      () => sql`with inserted as (${buildKeyedInsert(conflict, key)})
        select id, deduplicated, ${bell} as rung from inserted`,
    ),
    // Makes the insert depend on the `freed` CTE: PostgreSQL runs independent CTEs in any order.
    freeing: prepareStatement(
      () => sql`with freed as (
          update ${soniqJobs} set unique_held = false where unique_key = ${key} and ${holdsKey} and ${canBeTakenOver} returning id),
        inserted as (${buildKeyedInsert(conflict, sql`(select ${key} from (select count(*) from freed) as freed)`)})
        select id, deduplicated, case when ${placeholder("notify")}::boolean then ${bell} end as rung from inserted`,
    ),
  };
}

function buildKeyedInsert(conflict: UniqueRule["onConflict"], key: SQL): SQL {
  const input = (name: JobInput) => (name === "uniqueKey" ? key : castInput(name, sql.placeholder(name)));
  return sql`${buildJobInsert(input, { conflict, rest: buildOnConflict(conflict, input("maxWaitMs")) })}
    returning id, ${wasUpdated(conflict)} as deduplicated`;
}
