import type { TimelineEntry } from "../../wire.js";
import { useNow } from "../clock.js";
import { formatClockTime, formatDateTime, formatShortDateTime, formatDuration } from "../format.js";
import { href } from "../route.js";
import { Icon, type IconName } from "./icon.js";
import { ScrollArea } from "./scroll-area.js";

const dayMs = 86_400_000;

const icons: Readonly<Record<TimelineEntry["what"], IconName>> = {
  enqueued: "queued",
  due: "scheduled",
  claimed: "active",
  failed: "failed",
  completed: "completed",
  cancelled: "cancelled",
  dead: "dead",
  "cancel-requested": "cancelled",
};

/** Describes the time between two entries. Returns null where the job's row does not record its meaning. */
function describeInterval(previous: TimelineEntry["what"], what: TimelineEntry["what"]): string | null {
  if (what === "claimed") return previous === "failed" ? "after" : "waited";
  return previous === "claimed" && what !== "cancel-requested" ? "ran" : null;
}

/** The events of a job, oldest first. */
export function Timeline({ entries }: { readonly entries: readonly TimelineEntry[] }) {
  const lastFailure = entries.findLast(({ what }) => what === "failed");
  return (
    <ol class="timeline">
      {entries.map((entry, i) => (
        <li key={`${entry.at} ${entry.what} ${i}`} class={`timeline-item timeline-${entry.what}`}>
          <span class="timeline-icon">
            <Icon name={icons[entry.what]} />
          </span>
          <TimelineItem entry={entry} previous={entries[i - 1]} isLastFailure={entry === lastFailure} />
        </li>
      ))}
    </ol>
  );
}

interface TimelineItemProps {
  readonly entry: TimelineEntry;
  readonly previous: TimelineEntry | undefined;
  /** The stack of the last failure is open from the start. */
  readonly isLastFailure: boolean;
}

function TimelineItem({ entry, previous, isLastFailure }: TimelineItemProps) {
  const { at, what, attempt, worker, message, stack } = entry;
  const intervalMs = previous ? Date.parse(at) - Date.parse(previous.at) : 0;
  const intervalName = previous ? describeInterval(previous.what, what) : null;
  return (
    <div class="timeline-body">
      <p class="timeline-line">
        <b>{what}</b>
        {attempt !== null && <span class="faint">attempt {attempt}</span>}
        {intervalName && intervalMs > 0 && (
          <span class="faint">
            {intervalName} {formatDuration(intervalMs)}
          </span>
        )}
        {worker && (
          <a class="id" href={href("workers")} title={`worker ${worker}`}>
            {worker.slice(0, 8)}
          </a>
        )}
        <TimelineTime at={at} />
      </p>
      {message && <p class="timeline-message">{message}</p>}
      {stack && (
        <details open={isLastFailure}>
          <summary>Stack</summary>
          <ScrollArea label={attempt === null ? "Stack" : `Stack of attempt ${attempt}`} class="stack-trace">
            <pre>{stack}</pre>
          </ScrollArea>
        </details>
      )}
    </div>
  );
}

function TimelineTime({ at }: { readonly at: string }) {
  const isToday = useNow() - Date.parse(at) < dayMs;
  return (
    <time class="timeline-time" dateTime={at} title={formatDateTime(at)}>
      {isToday ? formatClockTime(at) : formatShortDateTime(at)}
    </time>
  );
}
