import { type SQL, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { prepareStatement } from "../../core/prepare-statement.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/rows.js";
import { ring } from "../../sessions/doorbell.js";
import { insertJobs, type JobInput, typed } from "../row/job-columns.js";
import type { Enqueued, NewJob } from "./new-job.js";
import { onConflict, wasThere } from "./on-conflict.js";
import { holdsKey, isOver } from "../row/unique-key.js";
import type { UniqueRule } from "../definition/unique-settings.js";

/**
 * Inserts a job that has a unique key. Where another holds that, it is changed, if it waits and its definition says so.
 *
 * @param how `frees`: whether the key is freed before, if it is over; `rings`: whether a worker that waits is woken up
 * @returns undefined where another holds the key and was not changed, since it was not to be, runs, or is like this one
 */
export async function insertKeyed(
  db: Queryable,
  { payload, uniqueKey, options }: NewJob,
  { frees, rings }: { frees: boolean; rings: boolean },
): Promise<Pick<Enqueued, "id" | "deduplicated"> | undefined> {
  const { plain, ringing, freeing } = statements[options.onConflict];
  const statement = frees ? freeing : rings ? ringing : plain;
  const [job] = await fetchRows<{ id: string | number; deduplicated: boolean }>(
    db,
    statement(db, { ...options, payload, uniqueKey, rings }),
  );
  return job && { id: Number(job.id), deduplicated: job.deduplicated };
}

const leavingHolder = ways("keep");
const statements = {
  keep: leavingHolder,
  error: leavingHolder,
  replace: ways("replace"),
  reschedule: ways("reschedule"),
};

/** The insert by itself; with the bell; after the key was freed, and with the bell if that is asked for. */
function ways(conflict: UniqueRule["onConflict"]) {
  const { placeholder } = sql;
  const key = sql`${placeholder("uniqueKey")}::text`;
  const bell = ring(sql`${placeholder("queue")}::text`);
  return {
    plain: prepareStatement(() => insertion(conflict, key)),
    ringing: prepareStatement(
      () => sql`with inserted as (${insertion(conflict, key)})
        select id, deduplicated, ${bell} as rung from inserted`,
    ),
    // The key reads what was freed, or they would be carried out in any order.
    freeing: prepareStatement(
      () => sql`with freed as (
          update ${soniqJobs} set unique_held = false where unique_key = ${key} and ${holdsKey} and ${isOver} returning id),
        inserted as (${insertion(conflict, sql`(select ${key} from (select count(*) from freed) as freed)`)})
        select id, deduplicated, case when ${placeholder("rings")}::boolean then ${bell} end as rung from inserted`,
    ),
  };
}

function insertion(conflict: UniqueRule["onConflict"], key: SQL): SQL {
  const input = (name: JobInput) => (name === "uniqueKey" ? key : typed(name, sql.placeholder(name)));
  return sql`${insertJobs(input, { conflict, rest: onConflict(conflict, input("maxWaitMs")) })}
    returning id, ${wasThere(conflict)} as deduplicated`;
}
