import { sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";

/**
 * Selects the names of the queues with waiting jobs, due or not. Skips from queue to queue through the claim index, so that a
 * million waiting jobs cost no more than one.
 */
export const waitingQueues = sql`
  with recursive hop (queue) as (
    (select queue from ${soniqJobs} where state = 'queued' order by queue limit 1)
    union all
    select (select j.queue from ${soniqJobs} j where j.state = 'queued' and j.queue > hop.queue order by j.queue limit 1) from hop where hop.queue is not null
  ) select queue from hop where queue is not null`;
