/**
 * The defaults of the settings. The documentation's tables and the JSDoc of the settings repeat them, and `test/laws/defaults.test.ts`
 * compares them.
 */
export const defaults = {
  /** Per queue. */
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
  /** For a job whose definition has no timeout. */
  timeout: "5m",
} as const;

/** Heartbeats per lease: the session expires after this number of failed heartbeats. */
export const beatsPerLease = 4;
