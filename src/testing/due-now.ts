import { and, lte, ne, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { deliveryJob } from "../webhooks/delivery.js";

/**
 * The queues in which a job is due, for claims within the transaction that enqueued it.
 *
 * A transaction's `now()` stands still, and jobs are due by the clock, which goes on: so those that were just enqueued are dated
 * back to it. Deliveries of webhooks are not among them: in a test nothing is sent. Those that ran before and wait to run again are not: only `travel` brings that about, however slow the test is.
 */
export async function dueQueues(tx: Queryable): Promise<string[]> {
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
