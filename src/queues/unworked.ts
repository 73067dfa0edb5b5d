import { sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { soniqWorkers } from "../../schema/workers.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/**
 * Queues in which jobs wait although no live worker works them, nor the one that asks.
 * Hops from queue to queue through the claim index, so a million waiting jobs cost no more than one.
 */
export async function findUnworkedQueues(db: Queryable, own: readonly string[]): Promise<string[]> {
  const qb = builder(db);
  const waiting = qb.$with("waiting", { queue: sql<string | null>`queue`.as("queue") }).as(sql`
    with recursive hop (queue) as (
      (select queue from ${soniqJobs} where state = 'queued' order by queue limit 1)
      union all
      select (select j.queue from ${soniqJobs} j where j.state = 'queued' and j.queue > hop.queue order by j.queue limit 1) from hop where hop.queue is not null
    ) select queue from hop where queue is not null`);
  const rows = await qb
    .with(waiting)
    .select({ queue: sql<string>`queue` })
    .from(waiting)
    .where(
      sql`not exists (select 1 from ${soniqWorkers} where ${soniqWorkers.endedAt} is null and ${soniqWorkers.leaseExpiresAt} > now() and jsonb_exists(${soniqWorkers.queues}, queue))`,
    );
  return rows.map(({ queue }) => queue).filter((queue) => !own.includes(queue));
}
