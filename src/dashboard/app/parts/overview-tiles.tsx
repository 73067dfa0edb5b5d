import type { LiveView } from "../../wire.js";
import { formatCount, formatDuration, formatNumber, formatRate, pluralize } from "../format.js";
import { type Sample, useLive } from "../live.js";
import { href } from "../route.js";
import { Tile } from "./tile.js";

/** Workers write their statistics only every few seconds. The average of this many samples evens out the rate. */
const averagedSamples = 8;
/** A longer wait highlights the tile. */
const alertWaitMs = 60_000;

export function OverviewTiles() {
  const { view, samples } = useLive();
  const queues = view?.queues ?? [];
  const sum = (state: "due" | "active" | "scheduled") => queues.reduce((total, queue) => total + queue[state], 0);
  const deadLetters = view?.deadLetters ?? 0;
  const workers = view?.workers ?? 0;
  const orDash = (text: string) => (view ? text : "–");
  return (
    <div class="tiles">
      <Tile
        label="Throughput"
        value={orDash(formatRate(averageRate(samples)))}
        unit="/ s"
        note={`${formatNumber(sum("active"))} running now`}
        href={href("jobs", { state: "completed" })}
      />
      <Tile
        label="Due"
        value={orDash(formatCount(sum("due")))}
        note={`${formatCount(sum("scheduled"))} more for later`}
        href={href("jobs", { state: "queued" })}
      />
      <MaxWaitTile view={view} />
      <Tile
        label="Dead letters"
        value={orDash(formatCount(deadLetters))}
        note={deadLetters > 0 ? "to review" : "none"}
        href={href("dead-letters")}
        alert={deadLetters > 0}
      />
      <Tile
        label="Workers"
        value={orDash(formatNumber(workers))}
        note={workers > 0 ? pluralize(queues.length, "queue") : "no job can run"}
        href={href("workers")}
        alert={view !== null && workers === 0}
      />
    </div>
  );
}

function MaxWaitTile({ view }: { readonly view: LiveView | null }) {
  const queues = view?.queues ?? [];
  // Jobs of a paused queue wait on purpose. Their wait would hide that of other queues.
  const runningQueues = queues.filter(({ pausedAt }) => !pausedAt);
  const pausedCount = queues.length - runningQueues.length;
  const waitMs = Math.max(0, ...runningQueues.map(({ latencyMs }) => latencyMs ?? 0));
  const slowestQueue = runningQueues.find(({ latencyMs }) => latencyMs === waitMs);
  const waitText = waitMs > 0 ? formatDuration(waitMs) : "none";
  return (
    <Tile
      label="Longest wait"
      value={view ? waitText : "–"}
      note={
        <>
          {waitMs > 0 && slowestQueue ? (
            <>
              in <bdi>{slowestQueue.name}</bdi>
            </>
          ) : (
            "no job is waiting"
          )}
          {pausedCount > 0 && `, ${pausedCount} paused`}
        </>
      }
      href={href("queues")}
      alert={waitMs > alertWaitMs}
    />
  );
}

function averageRate(samples: readonly Sample[]): number {
  const latest = samples.slice(-averagedSamples);
  return latest.reduce((sum, { perSecond }) => sum + perSecond, 0) / Math.max(1, latest.length);
}
