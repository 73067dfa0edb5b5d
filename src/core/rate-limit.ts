/** Says yes at most once per key and interval. */
export function createRateLimit(intervalMs: number): (key: string) => boolean {
  const lastAtMs = new Map<string, number>();
  return (key) => {
    const now = performance.now();
    if (now - (lastAtMs.get(key) ?? -Infinity) < intervalMs) return false;
    // Keys may come without end (a queue per tenant); forgetting them all rings a few bells too many.
    if (lastAtMs.size >= 1_000) lastAtMs.clear();
    lastAtMs.set(key, now);
    return true;
  };
}
