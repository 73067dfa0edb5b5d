/**
 * What counts where a configuration says nothing else. The documentation's tables and the JSDoc of the settings repeat it, and
 * `test/laws/defaults.test.ts` compares them.
 */
export const defaults = {
  /** Of each queue. */
  concurrency: 10,
  batchSize: 1_000,
  lease: "20s",
  rescueInterval: "5s",
  pollInterval: "1s",
  shutdownTimeout: "20s",
  retention: { completed: "24h", cancelled: "24h", dead: "30d" },
  maxCrashes: 5,
  timeoutGrace: "5s",
  unknownJobGrace: "10m",
  /** Of a job whose definition has none. */
  timeout: "5m",
} as const;

/** Beats per lease: so many may fail before the session dies. */
export const beatsPerLease = 4;
