import { useNow } from "../clock.js";
import { formatDateTime, formatRelativeTime, formatDuration } from "../format.js";

/** A time relative to now. The tooltip shows it exactly. */
export function Time({ at }: { readonly at: string | null }) {
  const now = useNow();
  if (at === null) return <span class="faint">–</span>;
  return (
    <time dateTime={at} title={formatDateTime(at)}>
      {formatRelativeTime(at, now)}
    </time>
  );
}

/** The time since then, for something that still goes on. */
export function Since({ at }: { readonly at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={`since ${formatDateTime(at)}`}>
      {formatDuration(Math.floor((now - Date.parse(at)) / 1_000) * 1_000)}
    </time>
  );
}
