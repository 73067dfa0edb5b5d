import { and, lte, ne, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { deliveryJob } from "../webhooks/delivery.js";

/**
 * Finds the queues with due jobs, for claims within the transaction that enqueued the jobs.
 *
 * Jobs become due by the clock, but `now()` stands still within a transaction. So this sets the `run_at` of new jobs back to `now()`.
 * Jobs that wait for a retry are not set back, so that only `travel` makes them due, however slow the test is. Webhook deliveries are
 * excluded, since a test sends nothing.
 */
export async function findDueQueues(tx: Queryable): Promise<string[]> {
  const queued = and(sql`${soniqJobs.state} = 'queued'`, ne(soniqJobs.name, deliveryJob.name));
  const isNew = sql`(${soniqJobs.claims} = 0 or ${soniqJobs.manualRetries} > 0)`;
  await builder(tx)
    .update(soniqJobs)
    .set({ runAt: sql`now()` })
    .where(and(queued, isNew, sql`${soniqJobs.runAt} > now()`, lte(soniqJobs.runAt, sql`clock_timestamp()`)));
  const rows = await builder(tx)
    .selectDistinct({ queue: soniqJobs.queue })
    .from(soniqJobs)
    .where(and(queued, lte(soniqJobs.runAt, sql`now()`)))
    .orderBy(soniqJobs.queue);
  return rows.map(({ queue }) => queue);
}
