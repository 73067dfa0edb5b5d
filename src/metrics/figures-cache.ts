import type { Figures } from "./read-figures.js";

const maxAgeMs = 5_000;
/** Below Prometheus' scrape timeout of ten seconds. */
const timeoutMs = 3_000;

/**
 * Caches the figures for five seconds and reads them once at a time, no matter how many clients scrape.
 *
 * @returns a function that returns the figures; undefined while the database does not answer
 */
export function cacheFigures(read: () => Promise<Figures>): () => Promise<Figures | undefined> {
  let readAt = -Infinity;
  let isIdle = true;
  let figures: Promise<Figures | undefined> = Promise.resolve(undefined);
  return () => {
    const now = performance.now();
    if (isIdle && now - readAt >= maxAgeMs) {
      readAt = now;
      isIdle = false;
      figures = read()
        .catch(() => undefined)
        .finally(() => (isIdle = true));
    }
    return Promise.race([figures, resolveAfterTimeout()]);
  };
}

function resolveAfterTimeout(): Promise<undefined> {
  return new Promise((resolve) => AbortSignal.timeout(timeoutMs).addEventListener("abort", () => resolve(undefined)));
}
