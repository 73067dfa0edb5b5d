import type { TimelineEntry } from "../../wire.js";
import { useNow } from "../clock.js";
import { clock, exact, short, span } from "../format.js";
import { href } from "../route.js";
import { Icon, type IconName } from "./icon.js";
import { Scrolled } from "./scrolled.js";

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

/** What passed between two entries, in a word; null where the row does not tell. */
function passing(before: TimelineEntry["what"], what: TimelineEntry["what"]): string | null {
  if (what === "claimed") return before === "failed" ? "after" : "waited";
  return before === "claimed" && what !== "cancel-requested" ? "ran" : null;
}

/** A job's life, oldest first. */
export function Timeline({ entries }: { readonly entries: readonly TimelineEntry[] }) {
  const lastFailure = entries.findLast(({ what }) => what === "failed");
  return (
    <ol class="timeline">
      {entries.map((entry, i) => (
        <li key={`${entry.at} ${entry.what} ${i}`} class={`moment moment-${entry.what.replace(" ", "-")}`}>
          <span class="moment-mark">
            <Icon name={icons[entry.what]} />
          </span>
          <Moment entry={entry} before={entries[i - 1]} isLastFailure={entry === lastFailure} />
        </li>
      ))}
    </ol>
  );
}

interface MomentProps {
  readonly entry: TimelineEntry;
  readonly before: TimelineEntry | undefined;
  /** Its stack is what the reader came for. */
  readonly isLastFailure: boolean;
}

function Moment({ entry, before, isLastFailure }: MomentProps) {
  const { at, what, attempt, worker, message, stack } = entry;
  const passed = before ? Date.parse(at) - Date.parse(before.at) : 0;
  const word = before ? passing(before.what, what) : null;
  return (
    <div class="moment-body">
      <p class="moment-line">
        <b>{what}</b>
        {attempt !== null && <span class="faint">attempt {attempt}</span>}
        {word && passed > 0 && (
          <span class="faint">
            {word} {span(passed)}
          </span>
        )}
        {worker && (
          <a class="id" href={href("workers")} title={`worker ${worker}`}>
            {worker.slice(0, 8)}
          </a>
        )}
        <MomentTime at={at} />
      </p>
      {message && <p class="moment-message">{message}</p>}
      {stack && (
        <details open={isLastFailure}>
          <summary>Stack</summary>
          <Scrolled label={attempt === null ? "Stack" : `Stack of attempt ${attempt}`} class="stack-trace">
            <pre>{stack}</pre>
          </Scrolled>
        </details>
      )}
    </div>
  );
}

function MomentTime({ at }: { readonly at: string }) {
  const isToday = useNow() - Date.parse(at) < dayMs;
  return (
    <time class="moment-time" dateTime={at} title={exact(at)}>
      {isToday ? clock(at) : short(at)}
    </time>
  );
}
