import { href } from "../route.js";
import type { Values } from "../api.js";

interface OlderProps {
  readonly page: string;
  readonly query: Values;
  /** The cursor of the page after this one. */
  readonly next: string | null;
  readonly label?: string;
}

/** Ways to the older entries, and back to the newest. */
export function Older({ page, query, next, label = "Older" }: OlderProps) {
  if (next === null && !query["cursor"]) return null;
  return (
    <nav class="older" aria-label="Older and newer entries">
      {query["cursor"] ? (
        <a class="button" href={href(page, { ...query, cursor: null })}>
          Newest
        </a>
      ) : (
        <span />
      )}
      {next && (
        <a class="button" href={href(page, { ...query, cursor: next })}>
          {label}
        </a>
      )}
    </nav>
  );
}
