import type { TimelineEntry } from "../../wire.js";
import { exact, span } from "../format.js";
import { Icon, type IconName } from "./icon.js";
import { Time } from "./time.js";

const icons: Readonly<Record<TimelineEntry["what"], IconName>> = {
  enqueued: "queued",
  due: "scheduled",
  claimed: "active",
  failed: "failed",
  completed: "completed",
  cancelled: "cancelled",
  dead: "dead",
  "cancel requested": "cancelled",
};

/** What passed between two entries, in a word; null where the row does not tell. */
function passing(before: TimelineEntry["what"], what: TimelineEntry["what"]): string | null {
  if (what === "claimed") return before === "failed" ? "after" : "waited";
  return before === "claimed" && what !== "cancel requested" ? "ran" : null;
}

/** A job's life, oldest first. */
export function Timeline({ entries }: { readonly entries: readonly TimelineEntry[] }) {
  return (
    <ol class="timeline">
      {entries.map((entry, i) => (
        <li key={`${entry.at} ${entry.what} ${i}`} class={`moment moment-${entry.what.replace(" ", "-")}`}>
          <span class="moment-mark">
            <Icon name={icons[entry.what]} />
          </span>
          <Moment entry={entry} before={entries[i - 1]} />
        </li>
      ))}
    </ol>
  );
}

interface MomentProps {
  readonly entry: TimelineEntry;
  readonly before: TimelineEntry | undefined;
}

function Moment({ entry, before }: MomentProps) {
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
        <span class="moment-time" title={exact(at)}>
          <Time at={at} />
        </span>
      </p>
      {message && <p class="moment-message">{message}</p>}
      {stack && (
        <details>
          <summary>Stack</summary>
          <pre>{stack}</pre>
        </details>
      )}
      {worker && <p class="id">worker {worker}</p>}
    </div>
  );
}
