/** Creates a rate limit: a function that returns true at most once per key and interval. */
export function createRateLimit(intervalMs: number): (key: string) => boolean {
  const lastAtMs = new Map<string, number>();
  return (key) => {
    const now = performance.now();
    if (now - (lastAtMs.get(key) ?? -Infinity) < intervalMs) return false;
    // The number of keys is unbounded (one queue per tenant). Clearing the map only lets a few extra calls through.
    if (lastAtMs.size >= 1_000) lastAtMs.clear();
    lastAtMs.set(key, now);
    return true;
  };
}
