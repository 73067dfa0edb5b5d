import { href } from "../route.js";
import type { QueryValues } from "../api.js";

interface PaginationProps {
  readonly page: string;
  readonly query: QueryValues;
  /** The cursor of the page after this one. */
  readonly next: string | null;
  readonly label?: string;
}

/** Links to older entries, and back to the newest. */
export function Pagination({ page, query, next, label = "Older" }: PaginationProps) {
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
