import type { PeriodicTask } from "./timing/periodic-tasks.js";
import type { WorkerEventListener } from "./events/events.js";

/** The health of a worker, for probes and for people. Contains no secrets. */
export interface Health {
  /** `degraded`: the worker works, but `reasons` lists its problems. */
  readonly state: "starting" | "working" | "degraded" | "stopping" | "stopped";
  /** False when only a restart of the process helps. An outage of PostgreSQL does not make it false. */
  readonly live: boolean;
  /** Whether the worker can claim jobs now. */
  readonly ready: boolean;
  /** The problems, as sentences, the most severe first. Empty if there are none. */
  readonly reasons: readonly string[];
}

/** The vital signs of a worker. Durations are milliseconds until now, by the worker's monotonic clock. */
export interface Vitals {
  readonly leaseMs: number;
  /**
   * Since the worker sent the heartbeat that last extended the lease. PostgreSQL extends the lease later than that, so the lease may
   * expire earlier by this clock than by PostgreSQL's, but never later.
   */
  readonly leaseAgeMs: number;
  readonly beatEveryMs: number;
  /** Since the last reply to a heartbeat. */
  readonly silentMs: number;
  /** How long the claims of each queue have failed or gone unanswered; 0 if they succeed. */
  readonly failingClaims: readonly { readonly queue: string; readonly forMs: number }[];
  /** How long settles have failed, or the oldest one has gone unanswered; 0 if all of them are written. */
  readonly unansweredSettlesMs: number;
  /** The loops of the worker, and how long ago each began its last iteration. */
  readonly loops: readonly {
    readonly operation: string;
    readonly everyMs: number;
    readonly msSinceLastIteration: number;
  }[];
  /** How many jobs may run at once, in all queues. */
  readonly slots: number;
  /** For each handler that ignored its signal, how long ago the worker gave up on it. */
  readonly unresponsiveMs: readonly number[];
  /** Whether the worker can receive wake-ups. */
  readonly listening: boolean;
}

/** An iteration of a loop sends a few statements, and each of them times out after 25 s. */
const maxIterationMs = 90_000;
const maxIterationFactor = 6;
const maxMissedBeats = 2;
const maxFailingMs = 5_000;

const phases = {
  starting: "starting: it has no session yet",
  stopping: "shutting down: it claims no more jobs",
  stopped: "stopped",
};

/**
 * Assesses a worker's health from its own state, without a query.
 *
 * @param source the vitals of a working worker; otherwise its phase
 */
export function assessHealth(source: keyof typeof phases | Vitals): Health {
  if (typeof source === "string") return { state: source, live: true, ready: false, reasons: [phases[source]] };
  const fatal = [...findStuckLoops(source), ...findLostSlots(source)];
  const blocking = [...findOutage(source), ...findFailingClaims(source), ...findUnansweredSettles(source)];
  const minor = [...findUnresponsiveHandlers(source), ...findMissingWakeUps(source)];
  const reasons = [...fatal, ...blocking, ...minor];
  return {
    state: reasons.length > 0 ? "degraded" : "working",
    live: fatal.length === 0,
    ready: fatal.length + blocking.length === 0,
    reasons,
  };
}

function findStuckLoops({ loops }: Vitals): string[] {
  return loops
    .filter(
      ({ everyMs, msSinceLastIteration }) =>
        msSinceLastIteration > Math.max(maxIterationMs, maxIterationFactor * everyMs),
    )
    .map(
      ({ operation, msSinceLastIteration }) =>
        `${operation} is stuck for ${formatTime(msSinceLastIteration)}: restart this worker`,
    );
}

function findLostSlots({ slots, unresponsiveMs }: Vitals): string[] {
  if (unresponsiveMs.length < slots) return [];
  return [`there are ${slots} slots, and ${unresponsiveMs.length} handlers that do not end: restart this worker`];
}

function findOutage({ leaseMs, leaseAgeMs, beatEveryMs, silentMs }: Vitals): string[] {
  return [
    ...(silentMs > maxMissedBeats * beatEveryMs
      ? [`PostgreSQL has answered no heartbeat for ${formatTime(silentMs)}`]
      : []),
    ...(leaseAgeMs > leaseMs ? [`its lease has expired: other workers may run its jobs`] : []),
  ];
}

function findFailingClaims({ failingClaims: failing }: Vitals): string[] {
  const overdue = failing.filter(({ forMs }) => forMs > maxFailingMs);
  if (overdue.length === 0) return [];
  const max = Math.max(...overdue.map(({ forMs }) => forMs));
  return [`claims have failed for ${formatTime(max)}, from ${overdue.map(({ queue }) => queue).join(", ")}`];
}

function findUnansweredSettles({ unansweredSettlesMs: forMs }: Vitals): string[] {
  return forMs > maxFailingMs ? [`PostgreSQL has answered no settle for ${formatTime(forMs)}`] : [];
}

function findUnresponsiveHandlers({ unresponsiveMs }: Vitals): string[] {
  if (unresponsiveMs.length === 0) return [];
  const [handlers, have] = unresponsiveMs.length === 1 ? ["handler", "has"] : ["handlers", "have"];
  return [
    `${unresponsiveMs.length} ${handlers} ${have} ignored the signal for up to ${formatTime(Math.max(...unresponsiveMs))}: only a restart frees what they hold`,
  ];
}

function findMissingWakeUps({ listening }: Vitals): string[] {
  return listening ? [] : ["no wake-ups: jobs are found by polling only"];
}

function formatTime(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** Emits an event when a worker becomes degraded, and when it has recovered. Each change of state emits only one event. */
export function watchHealth(health: () => Health, emit: WorkerEventListener): PeriodicTask {
  const toKey = ({ state, live, ready }: Health) => `${state} ${live} ${ready}`;
  let before = "working true true";
  return {
    operation: "checking its own health",
    everyMs: 1_000,
    async run() {
      const now = health();
      if (toKey(now) === before) return;
      before = toKey(now);
      if (now.state === "degraded") emit({ type: "degraded", ready: now.ready, reasons: now.reasons });
      else emit({ type: "recovered" });
    },
  };
}
