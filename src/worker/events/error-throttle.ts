/** Admits at most one error event per interval, and counts the error events that it suppresses. */
export interface ErrorThrottle {
  /** @returns the number of error events suppressed since the last admitted one; undefined if this one is suppressed, too */
  admit(): number | undefined;
}

const intervalMs = 1_000;

/** Admits one error event per second. During an outage of PostgreSQL every operation fails repeatedly, and more lines add nothing. */
export function createErrorThrottle(now: () => number = () => performance.now()): ErrorThrottle {
  let lastAdmittedAt = -Infinity;
  let suppressed = 0;
  return {
    admit() {
      if (now() - lastAdmittedAt < intervalMs) {
        suppressed += 1;
        return undefined;
      }
      const suppressedBefore = suppressed;
      lastAdmittedAt = now();
      suppressed = 0;
      return suppressedBefore;
    },
  };
}
