/** Lets one in a while through, and counts those that it holds back. */
export interface ErrorThrottle {
  /** @returns how many were held back since the last one; undefined if this one is held back, too */
  leftOut(): number | undefined;
}

const intervalMs = 1_000;

/** While PostgreSQL is away, everything that a worker does fails, again and again: one line a second tells as much. */
export function errorThrottle(now: () => number = () => performance.now()): ErrorThrottle {
  let lastAt = -Infinity;
  let heldBack = 0;
  return {
    leftOut() {
      if (now() - lastAt < intervalMs) {
        heldBack += 1;
        return undefined;
      }
      const before = heldBack;
      lastAt = now();
      heldBack = 0;
      return before;
    },
  };
}
