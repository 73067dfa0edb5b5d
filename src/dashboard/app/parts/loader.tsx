import type { ComponentChildren } from "preact";
import { ApiError } from "../api.js";
import type { FetchState } from "../use-fetch.js";

interface LoaderProps<T> {
  readonly state: FetchState<T>;
  /** The number of rows of the skeleton, about that of the expected content. */
  readonly rows?: number;
  readonly children: (data: T) => ComponentChildren;
}

/** Renders fetched data. Shows a skeleton while it loads, and an error with a retry button if the request fails. */
export function Loader<T>({ state, rows = 8, children }: LoaderProps<T>) {
  const { data, error, isStale, reload } = state;
  if (data === null && error !== null) return <ErrorMessage error={error} retry={reload} />;
  if (data === null) return <Skeleton rows={rows} />;
  return (
    <div class={isStale ? "stale" : ""} aria-busy={isStale}>
      {error && !isUnreachable(error) && <ErrorMessage error={error} retry={reload} />}
      {children(data)}
    </div>
  );
}

/** If the server is unreachable, the page already shows a banner. */
const isUnreachable = (error: Error) => error instanceof ApiError && error.status === 0;

export function ErrorMessage({ error, retry }: { readonly error: Error; readonly retry: () => void }) {
  return (
    <div class="failed" role="alert">
      <p>{error.message}</p>
      <button type="button" class="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

function Skeleton({ rows }: { readonly rows: number }) {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} class="skeleton-row" />
      ))}
    </div>
  );
}
