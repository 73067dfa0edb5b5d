import { countDeadLetters } from "../../dead-letters/count.js";
import type { Queryable } from "../../core/queryable.js";
import { listWorkers } from "../../sessions/list-workers.js";
import type { Api } from "../api.js";
import { LiveFeed } from "../live-feed.js";
import { problemOf } from "../problem.js";
import { Refusal } from "../refusal.js";
import type { LiveView } from "../wire.js";
import { queueViews } from "./queues.js";

export function liveRoutes(api: Api): void {
  const feed = new LiveFeed(() => api.reading(liveView));
  api.look("/live", (c) => {
    const events = feed.watch(c.req.raw.signal);
    if (!events) throw new Refusal(503, "too many look at once: close a page that is not needed");
    return c.body(events, 200, { "content-type": "text/event-stream", "x-accel-buffering": "no" });
  });
}
