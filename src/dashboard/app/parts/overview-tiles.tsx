import { capped, count, plural, rate, span } from "../format.js";
import { type Moment, useLive } from "../live.js";
import { href } from "../route.js";
import { Tile } from "./tile.js";

/** Workers write what they did every few seconds: over so many moments the rate is even. */
const averaged = 8;
/** A job that waits longer is worth a look. */
const longWaitMs = 60_000;

export function OverviewTiles() {
  const { view, moments } = useLive();
  const queues = view?.queues ?? [];
  const due = queues.reduce((sum, queue) => sum + queue.due, 0);
  const active = queues.reduce((sum, queue) => sum + queue.active, 0);
  const scheduled = queues.reduce((sum, queue) => sum + queue.scheduled, 0);
  // Jobs of a paused queue are meant to wait: they would hide the others.
  const working = queues.filter(({ pausedAt }) => !pausedAt);
  const wait = Math.max(0, ...working.map(({ latencyMs }) => latencyMs ?? 0));
  const waiting = working.find(({ latencyMs }) => latencyMs === wait);
  const paused = queues.length - working.length;
  const dead = view?.deadLetters ?? 0;
  const workers = view?.workers ?? 0;
  const known = (text: string) => (view ? text : "–");
  return (
    <div class="tiles">
      <Tile
        label="Throughput"
        value={known(rate(throughput(moments)))}
        unit="/ s"
        note={`${count(active)} running now`}
        href={href("jobs", { state: "completed" })}
      />
      <Tile
        label="Due"
        value={known(capped(due))}
        note={`${capped(scheduled)} more for later`}
        href={href("jobs", { state: "queued" })}
      />
      <Tile
        label="Longest wait"
        value={known(wait > 0 ? span(wait) : "none")}
        note={
          <>
            {wait > 0 && waiting ? (
              <>
                in <bdi>{waiting.name}</bdi>
              </>
            ) : (
              "nothing waits"
            )}
            {paused > 0 && `, ${paused} paused`}
          </>
        }
        href={href("queues")}
        alert={wait > longWaitMs}
      />
      <Tile
        label="Dead letters"
        value={known(capped(dead))}
        note={dead > 0 ? "to be looked at" : "none"}
        href={href("dead-letters")}
        alert={dead > 0}
      />
      <Tile
        label="Workers"
        value={known(count(workers))}
        note={workers > 0 ? plural(queues.length, "queue") : "jobs only wait"}
        href={href("workers")}
        alert={view !== null && workers === 0}
      />
    </div>
  );
}

function throughput(moments: readonly Moment[]): number {
  const last = moments.slice(-averaged);
  return last.reduce((sum, { perSecond }) => sum + perSecond, 0) / Math.max(1, last.length);
}
