/** Says yes at most once per key and interval. */
export function rateLimit(intervalMs: number): (key: string) => boolean {
  const last = new Map<string, number>();
  return (key) => {
    const now = performance.now();
    if (now - (last.get(key) ?? -Infinity) < intervalMs) return false;
    // Keys may come without end (a queue per tenant); forgetting them all rings a few bells too many.
    if (last.size >= 1_000) last.clear();
    last.set(key, now);
    return true;
  };
}
