import type { Queryable } from "../../core/queryable.js";
import { countDeadLetters } from "../../dead-letters/count.js";
import { countLiveWorkers } from "../../sessions/count-live.js";
import { countAttempts } from "../../stats/count-attempts.js";
import { addressOf, type Api } from "../api.js";
import { LiveFeed } from "../live-feed.js";
import { Refusal } from "../refusal.js";
import { Throughput } from "../throughput.js";
import type { LiveView } from "../wire.js";
import { queueViews } from "./queues.js";

/** What all who look are shown as it changes: read once for all of them, and only while there are some. */
export function liveRoutes(api: Api): void {
  const throughput = new Throughput();
  const feed = new LiveFeed(() => api.reading((db) => view(db, throughput)));
  api.look("/live", (c, user) => {
    // Of headers alone, nobody would say when they are wanted no more.
    const events =
      c.req.method === "HEAD"
        ? null
        : feed.watch(c.req.raw, user.name ?? addressOf(c), () => api.authorize(c, "read", "live"));
    if (events === undefined) throw new Refusal(503, "too many look at once: close a page that is not needed");
    return new Response(events, { headers: { "content-type": "text/event-stream", "x-accel-buffering": "no" } });
  });
}

async function view(db: Queryable, throughput: Throughput): Promise<LiveView> {
  return {
    at: new Date().toISOString(),
    queues: await queueViews(db),
    workers: await countLiveWorkers(db),
    deadLetters: await countDeadLetters(db),
    perSecond: throughput.told(await countAttempts(db), performance.now()),
  };
}
