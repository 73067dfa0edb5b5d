import type { ComponentChildren } from "preact";
import { ApiError } from "../api.js";
import type { Fetched } from "../fetched.js";

interface LoadedProps<T> {
  readonly of: Fetched<T>;
  /** Lines of the skeleton: about as many as there will be. */
  readonly rows?: number;
  readonly children: (data: T) => ComponentChildren;
}

/** What was fetched; until it is there its skeleton, and what went wrong with a way to try again. */
export function Loaded<T>({ of, rows = 8, children }: LoadedProps<T>) {
  const { data, error, stale, reload } = of;
  if (data === null && error !== null) return <Failed error={error} retry={reload} />;
  if (data === null) return <Skeleton rows={rows} />;
  return (
    <div class={stale ? "stale" : ""} aria-busy={stale}>
      {error && !isUnanswered(error) && <Failed error={error} retry={reload} />}
      {children(data)}
    </div>
  );
}

/** That the server is away, the whole page says. */
const isUnanswered = (error: Error) => error instanceof ApiError && error.status === 0;

export function Failed({ error, retry }: { readonly error: Error; readonly retry: () => void }) {
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
