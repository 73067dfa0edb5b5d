import { sql } from "drizzle-orm";
import { isLive } from "../core/fragments.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { waitingQueues } from "./waiting-queues.js";

/**
 * Finds the queues with waiting jobs that no live worker works, nor the caller.
 *
 * @param own the queues that the caller works
 */
export async function findUnworkedQueues(db: Queryable, own: readonly string[]): Promise<string[]> {
  const qb = builder(db);
  const waiting = qb.$with("waiting", { queue: sql<string | null>`queue`.as("queue") }).as(waitingQueues);
  const rows = await qb
    .with(waiting)
    .select({ queue: sql<string>`queue` })
    .from(waiting)
    .where(
      sql`not exists (select 1 from ${soniqWorkers} where ${isLive} and jsonb_exists(${soniqWorkers.queues}, queue))`,
    );
  return rows.map(({ queue }) => queue).filter((queue) => !own.includes(queue));
}
