import type { PeriodicTask } from "./timing/periodic-tasks.js";
import type { WorkerEventListener } from "./events/events.js";

/** How a worker is: for probes, and for people. It names no secrets. */
export interface Health {
  /** `degraded`: it works, with the reasons against it. */
  readonly state: "starting" | "working" | "degraded" | "stopping" | "stopped";
  /** False when nothing but another process would help. An outage of PostgreSQL does not make it so. */
  readonly live: boolean;
  /** Whether it can take jobs now. */
  readonly ready: boolean;
  /** In sentences, the worst first; empty when all is well. */
  readonly reasons: readonly string[];
}

/** What a worker knows of itself; times are milliseconds until now, by its own monotonic clock. */
export interface Vitals {
  readonly leaseMs: number;
  /** Since the beat was sent that last extended the lease: it may be over sooner by this clock than by PostgreSQL's, never later. */
  readonly leaseAgeMs: number;
  readonly beatEveryMs: number;
  /** Since a beat was last answered. */
  readonly silentMs: number;
  /** How long the claims of these queues have failed, or have not been answered; 0 for those that succeed. */
  readonly failingClaims: readonly { readonly queue: string; readonly forMs: number }[];
  /** How long settles have failed, or the oldest has not been answered; 0 if all is written down. */
  readonly unansweredSettlesMs: number;
  /** What must come round again and again, and how long it has not. */
  readonly loops: readonly {
    readonly operation: string;
    readonly everyMs: number;
    readonly msSinceLastRound: number;
  }[];
  /** How many jobs may run at once, in all queues. */
  readonly slots: number;
  /** For each handler that the worker went on without, since it took no notice of its signal: for how long. */
  readonly unresponsiveMs: readonly number[];
  /** Whether wake-ups can come. */
  readonly listening: boolean;
}

/** A round of a loop is a few statements, none of which is waited for longer than 25 s. */
const maxRoundMs = 90_000;
const maxRoundFactor = 6;
const missedBeats = 2;
const maxFailingMs = 5_000;

const phases = {
  starting: "starting: it has no session yet",
  stopping: "shutting down: it claims no more",
  stopped: "stopped",
};

/**
 * Reads a worker's health from what it knows, without asking anybody.
 *
 * @param vitals while it works; before and after that, its phase says it all
 */
export function healthOf(of: keyof typeof phases | Vitals): Health {
  if (typeof of === "string") return { state: of, live: true, ready: false, reasons: [phases[of]] };
  const deadly = [...stuckLoops(of), ...noSlots(of)];
  const hindering = [...outage(of), ...failingClaims(of), ...unansweredSettles(of)];
  const lesser = [...unresponsive(of), ...pollingOnly(of)];
  const reasons = [...deadly, ...hindering, ...lesser];
  return {
    state: reasons.length > 0 ? "degraded" : "working",
    live: deadly.length === 0,
    ready: deadly.length + hindering.length === 0,
    reasons,
  };
}

function stuckLoops({ loops }: Vitals): string[] {
  return loops
    .filter(({ everyMs, msSinceLastRound }) => msSinceLastRound > Math.max(maxRoundMs, maxRoundFactor * everyMs))
    .map(
      ({ operation, msSinceLastRound }) => `${operation} is stuck for ${time(msSinceLastRound)}: restart this worker`,
    );
}

function noSlots({ slots, unresponsiveMs }: Vitals): string[] {
  if (unresponsiveMs.length < slots) return [];
  return [`there are ${slots} slots, and ${unresponsiveMs.length} handlers that do not end: restart this worker`];
}

function outage({ leaseMs, leaseAgeMs, beatEveryMs, silentMs }: Vitals): string[] {
  return [
    ...(silentMs > missedBeats * beatEveryMs ? [`PostgreSQL has answered no beat for ${time(silentMs)}`] : []),
    ...(leaseAgeMs > leaseMs ? [`its lease has run out: its jobs may be run by others`] : []),
  ];
}

function failingClaims({ failingClaims: failing }: Vitals): string[] {
  const long = failing.filter(({ forMs }) => forMs > maxFailingMs);
  if (long.length === 0) return [];
  const max = Math.max(...long.map(({ forMs }) => forMs));
  return [`claims have failed for ${time(max)}, from ${long.map(({ queue }) => queue).join(", ")}`];
}

function unansweredSettles({ unansweredSettlesMs: forMs }: Vitals): string[] {
  return forMs > maxFailingMs ? [`PostgreSQL has answered no settle for ${time(forMs)}`] : [];
}

function unresponsive({ unresponsiveMs }: Vitals): string[] {
  if (unresponsiveMs.length === 0) return [];
  const [handlers, have] = unresponsiveMs.length === 1 ? ["handler", "has"] : ["handlers", "have"];
  return [
    `${unresponsiveMs.length} ${handlers} ${have} ignored the signal for up to ${time(Math.max(...unresponsiveMs))}: only a restart frees what they hold`,
  ];
}

function pollingOnly({ listening }: Vitals): string[] {
  return listening ? [] : ["no wake-ups: jobs are found by polling only"];
}

function time(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** Tells when a worker becomes degraded, and when all is well again: once, however long it lasts. */
export function watchHealth(health: () => Health, emit: WorkerEventListener): PeriodicTask {
  const standing = ({ state, live, ready }: Health) => `${state} ${live} ${ready}`;
  let before = "working true true";
  return {
    operation: "watching its own health",
    everyMs: 1_000,
    async run() {
      const now = health();
      if (standing(now) === before) return;
      before = standing(now);
      if (now.state === "degraded") emit({ type: "degraded", ready: now.ready, reasons: now.reasons });
      else emit({ type: "recovered" });
    },
  };
}
