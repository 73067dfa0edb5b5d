import type { Queryable } from "../../core/queryable.js";
import { countDeadLetters } from "../../dead-letters/count.js";
import { countLiveWorkers } from "../../sessions/count-live.js";
import { countAttempts } from "../../stats/count-attempts.js";
import { getClientAddress, type Api } from "../api.js";
import { LiveFeed } from "../live-feed.js";
import { Refusal } from "../refusal.js";
import { Throughput } from "../throughput.js";
import type { LiveView } from "../wire.js";
import { listQueueViews } from "./queues.js";

/** Adds the route of live figures. They are read once for all viewers, and only while there are viewers. */
export function addLiveRoute(api: Api): void {
  const throughput = new Throughput();
  const feed = new LiveFeed(() => api.runReadOnly((db) => readView(db, throughput)));
  api.addGetRoute("/live", (c, user) => {
    // A HEAD request must not start a stream: its body is never read, so the stream would never be cancelled.
    const events =
      c.req.method === "HEAD"
        ? null
        : feed.watch(c.req.raw, user.name ?? getClientAddress(c), () => api.authorize(c, "read", "live"));
    if (events === undefined) throw new Refusal(503, "too many pages are open: close one that you do not need");
    return new Response(events, { headers: { "content-type": "text/event-stream", "x-accel-buffering": "no" } });
  });
}

async function readView(db: Queryable, throughput: Throughput): Promise<LiveView> {
  return {
    at: new Date().toISOString(),
    queues: await listQueueViews(db),
    workers: await countLiveWorkers(db),
    deadLetters: await countDeadLetters(db),
    perSecond: throughput.update(await countAttempts(db), performance.now()),
  };
}
