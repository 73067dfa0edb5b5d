// How hard a run is, and on what.
import type { RunInput } from "./run.ts";

export type Profile = Omit<RunInput, "seed" | "seconds">;

/** All faults; a slack for machines with few and busy cores. */
export const everything: Profile = {
  workers: 4,
  bounds: { leaseMs: 3_000, sweepMs: 1_000, pollMs: 500, slackMs: 3_000 },
  weights: {
    kill: 4,
    freeze: 3,
    terminate: 2,
    "drop idle": 2,
    "drop busy": 4,
    "cut claim": 3,
    "cut settle": 3,
    "cut commit": 3,
    "black hole": 2,
    delay: 2,
    restart: 1,
    revoke: 2,
    "refuse row": 3,
    "drop application": 5,
  },
  everyMs: 900,
  jobsPerSecond: 20,
  cancelled: 0.15,
  // Claims whose reply was lost are found after 20 s, statements that are not answered given up after 25 s.
  longestDrainMs: 90_000,
};

/** For mutants: short, with the faults that bring them out. None takes a claim's reply away, so draining is soon done. */
export const provoking = {
  workers: 4,
  bounds: { leaseMs: 1_000, sweepMs: 300, pollMs: 200, slackMs: 4_000 },
  weights: { kill: 1, freeze: 5, delay: 5 },
  everyMs: 400,
  jobsPerSecond: 25,
  cancelled: 0.3,
  longestDrainMs: 20_000,
} satisfies Profile;

/** For the mutant that gives outcomes up. */
export const refusing: Profile = {
  ...provoking,
  weights: { revoke: 1, "refuse row": 3 },
};

/** For the mutant of the application's transactions: its connections break again and again. */
export const unplugging: Profile = {
  ...provoking,
  weights: { "drop application": 1 },
  everyMs: 200,
};

/** For the mutant of the driver: connections break, many and often, most of them in a handler's transaction. */
export const dropping: Profile = {
  ...provoking,
  // Long enough for sessions to live on where the machine is slow: what is lost with them breaks no transaction.
  bounds: { ...provoking.bounds, leaseMs: 4_000 },
  weights: { "drop busy": 1 },
  everyMs: 100,
};
