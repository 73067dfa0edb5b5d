import { useNow } from "../clock.js";
import { exact, relative, span } from "../format.js";

/** A time as a distance from now; exactly when the pointer is over it. */
export function Time({ at }: { readonly at: string | null }) {
  const now = useNow();
  if (at === null) return <span class="faint">–</span>;
  return (
    <time dateTime={at} title={exact(at)}>
      {relative(at, now)}
    </time>
  );
}

/** How long something that began then lasts already. */
export function Since({ at }: { readonly at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={`since ${exact(at)}`}>
      {span(Math.floor((now - Date.parse(at)) / 1_000) * 1_000)}
    </time>
  );
}
