import type { Queryable } from "../../core/queryable.js";
import { listQueues } from "../../queues/list-queues.js";
import { pauseQueue, resumeQueue } from "../../queues/pause.js";
import { readRates } from "../../stats/read-rates.js";
import type { Api } from "../api.js";
import { toIsoOrNull } from "../iso.js";
import type { QueueView } from "../wire.js";

export function addQueueRoutes(api: Api): void {
  api.addReadRoute("/queues", listQueueViews);
  api.addChangeRoute("/queues/:target/pause", "queue.pause", async (db, { target }) => {
    await pauseQueue(db, target);
    return "paused: running jobs finish";
  });
  api.addChangeRoute("/queues/:target/resume", "queue.resume", async (db, { target }) =>
    (await resumeQueue(db, target)) ? "resumed" : "was not paused",
  );
}

export async function listQueueViews(db: Queryable): Promise<QueueView[]> {
  const queues = await listQueues(db);
  const rates = new Map((await readRates(db)).map(({ queue, perMinute }) => [queue, perMinute]));
  return queues.map(({ pausedAt, ...queue }) => ({
    ...queue,
    pausedAt: toIsoOrNull(pausedAt),
    perMinute: rates.get(queue.name) ?? 0,
  }));
}
