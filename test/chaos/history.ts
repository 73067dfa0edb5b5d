// What happened in a chaos run, as the checks read it.

import type { Stall } from "./stalls.ts";

export type State = "queued" | "active" | "completed" | "cancelled" | "dead";

/** The part of a job's row that the checks are about. Times are milliseconds since 1970 of the database's clock. */
export interface JobState {
  readonly state: State;
  readonly claims: number;
  readonly workerId: string | null;
  readonly attempt: number;
  readonly crashes: number;
  readonly runAt: number;
  readonly cancelRequested: boolean;
}

/** One committed change of a job's row; a job's are in the order in which they happened. */
export interface Transition {
  readonly job: number;
  readonly at: number;
  readonly transaction: string;
  /** Null: the job was enqueued. */
  readonly before: JobState | null;
  /** Null: the row was deleted. */
  readonly after: JobState | null;
}

/** One committed change of a worker session's row. */
export interface SessionChange {
  readonly id: string;
  readonly pid: number;
  readonly at: number;
  readonly endedBefore: boolean;
  readonly endedAfter: boolean;
  /** The session's first row. */
  readonly opened: boolean;
  /** Whether its lease was changed. */
  readonly extended: boolean;
}

/** A job's row at the end, and what the load planned for it. */
export interface Job {
  readonly id: number;
  readonly name: string;
  /** The load's number for it. */
  readonly n: number;
  readonly state: State;
  readonly attempt: number;
  readonly cancelRequested: boolean;
  /** Attempts that fail by plan. */
  readonly failures: number;
}

/** A row of the ledger. */
export interface Effect {
  readonly job: number;
  /** The claim under which it was done. */
  readonly claims: number | null;
  /** "begun": the first write of a transaction whose last one is "done". */
  readonly kind: "begun" | "done" | "snoozed";
  readonly transaction: string;
}

export const faultKinds = [
  "kill",
  "freeze",
  "terminate",
  "drop idle",
  "drop busy",
  "cut claim",
  "cut settle",
  "cut commit",
  "black hole",
  "delay",
  "restart",
  "revoke",
  "refuse row",
  "drop application",
] as const;

/**
 * kill: `kill -9`. freeze: SIGSTOP, SIGCONT. terminate: SIGTERM. drop: `pg_terminate_backend` of an idle or a busy backend.
 * cut: the connection breaks within that statement or its reply. restart: of PostgreSQL, as after a crash.
 * revoke: workers may not update jobs for a while. refuse row: a trigger refuses every change of one job for a while.
 * drop application: `pg_terminate_backend` of an application's backends; it strikes no worker.
 */
export type FaultKind = (typeof faultKinds)[number];

/** A fault as it was injected. */
export interface Fault {
  readonly kind: FaultKind;
  /** Which worker it struck; null for all, or for none if it is a fault of applications. */
  readonly worker: number | null;
  readonly at: number;
  /** When it was over: the process went on or its successor began, the network healed, PostgreSQL was ready. */
  readonly until: number;
}

/** One life of a worker process. */
export interface Life {
  readonly worker: number;
  readonly pid: number;
  readonly from: number;
  readonly until: number;
  readonly status: number | null;
  readonly signal: string | null;
  /** The signal that the harness ended it with; null if nobody did. */
  readonly endedBy: "SIGKILL" | "SIGTERM" | null;
  /** Whether it had not ended long after SIGTERM. */
  readonly stubborn: boolean;
  /** All that it printed, each line with the time at which it came. */
  readonly output: string;
}

/** What a worker said in its log. */
export interface Said {
  readonly worker: number;
  readonly at: number;
  readonly what: "fenced" | "session-lost";
}

/** What an application did, beside the workers and the load. */
export interface ApplicationLife {
  readonly name: string;
  /** How it ended, and what it printed last; undefined: it lived until the harness ended it. */
  readonly ended: string | undefined;
  /** The kinds of calls that were not answered any more after the last fault. */
  readonly unanswered: readonly string[];
  readonly answered: number;
  readonly rejected: number;
}

export interface Enqueues {
  /** The load's numbers of jobs whose transaction is known to have committed, and of those known to be rolled back. */
  readonly committed: readonly number[];
  readonly rolledBack: readonly number[];
  /** Of those that are written in one transaction with an order of the same number. */
  readonly together: readonly number[];
}

/** By when a job must have been taken from a worker that is gone. */
export interface Bounds {
  readonly leaseMs: number;
  readonly sweepMs: number;
  readonly pollMs: number;
  /** What a busy machine may add. */
  readonly slackMs: number;
}

export interface History {
  readonly transitions: readonly Transition[];
  readonly sessions: readonly SessionChange[];
  readonly jobs: readonly Job[];
  readonly effects: readonly Effect[];
  readonly enqueues: Enqueues;
  /** The numbers of the orders that are there. */
  readonly orders: readonly number[];
  readonly faults: readonly Fault[];
  readonly lives: readonly Life[];
  readonly said: readonly Said[];
  readonly applications: readonly ApplicationLife[];
  readonly stalls: readonly Stall[];
  readonly bounds: Bounds;
}

/** A job's transitions, in order. */
export function transitionsByJob({ transitions }: Pick<History, "transitions">): Map<number, Transition[]> {
  const byJob = new Map<number, Transition[]>();
  for (const transition of transitions) {
    const own = byJob.get(transition.job);
    if (own) own.push(transition);
    else byJob.set(transition.job, [transition]);
  }
  return byJob;
}

/** Faults that take PostgreSQL from all workers for a while, or something that they need there. */
export function isOfPostgres(kind: FaultKind): boolean {
  return isRefusal(kind) || kind === "restart";
}

/** Faults in which PostgreSQL answers, and refuses. */
export function isRefusal(kind: FaultKind): boolean {
  return kind === "revoke" || kind === "refuse row";
}

/** Faults that strike applications only. */
export function isOfApplications(kind: FaultKind): boolean {
  return kind === "drop application";
}

/** Whether a fault befell this worker. */
export function strikesWorker(fault: Pick<Fault, "kind" | "worker">, worker: number | undefined): boolean {
  return !isOfApplications(fault.kind) && (fault.worker === null || fault.worker === worker);
}

export function isFinal(state: State | undefined): boolean {
  return state === "completed" || state === "cancelled" || state === "dead";
}
