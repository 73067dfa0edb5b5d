import type { Outcome } from "../../jobs/settle/outcome.js";
import type { Rescued } from "../../jobs/upkeep/rescue.js";
import type { Settled } from "../../jobs/settle/settle.js";
import type { EventJob } from "./event-job.js";

/**
 * What a worker tells of itself: for logs, metrics and alarms. How an attempt ended is told when the database has answered that
 * it is written: the next attempt may have started by then.
 */
export type WorkerEvent =
  /** An attempt begins: its handler is about to be called. */
  | { readonly type: "started"; readonly job: EventJob }
  /** A handler said so, with `job.log`. */
  | {
      readonly type: "logged";
      readonly job: EventJob;
      readonly message: string;
      readonly fields?: Readonly<Record<string, unknown>>;
    }
  | SettledEvent
  /** An attempt ended, but the job had been taken from this worker: nothing was written. */
  | { readonly type: "fenced"; readonly job: EventJob; readonly outcome: Outcome; readonly runMs: number }
  /**
   * A handler threw after its transaction had completed the job, or made a directive when its attempt had ended: nothing is
   * tried again.
   */
  | { readonly type: "late-error"; readonly job: EventJob; readonly error: unknown }
  /** Jobs of dead workers were given back; one that is `dead` has its `reason`. */
  | { readonly type: "rescued"; readonly jobs: readonly Rescued[] }
  /** This session had ended, its jobs were taken; a new one has begun. */
  | { readonly type: "session-lost" }
  /**
   * A schedule's tick enqueued no job of its own: it was missed, or the last job had not finished and may not overlap, or a
   * job held its unique key.
   */
  | {
      readonly type: "tick-skipped";
      readonly schedule: string;
      readonly tick: Date;
      readonly reason: "missed" | "overlap";
    }
  /** Something failed that will be tried again. */
  | { readonly type: "error"; readonly operation: string; readonly error: unknown }
  /** Something keeps this worker from its best, or, where it is not `ready`, from its work. Told once, however long it lasts. */
  | { readonly type: "degraded"; readonly ready: boolean; readonly reasons: readonly string[] }
  /** All is well again. */
  | { readonly type: "recovered" };

/** An attempt ended, and it is written down. */
export interface SettledEvent {
  /**
   * What became of the job. That need not be what the attempt came to: one that is to be tried again is `cancelled` if
   * somebody asked for that meanwhile, and one of a name that stays unknown is `dead` in the end.
   */
  readonly type: Outcome["kind"];
  readonly job: EventJob;
  /** What the attempt came to. */
  readonly outcome: Outcome;
  /**
   * What it failed with, as it was thrown: by the handler, or by what kept it from running to its end, such as its timeout or an
   * invalid payload. Undefined where nothing failed. The job is tried again where `state` is `queued`; it was the last
   * attempt where that is `dead`.
   */
  readonly error?: unknown;
  readonly state: Settled["state"];
  /** How long the attempt took, in milliseconds. */
  readonly runMs: number;
}

export type WorkerEventListener = (event: WorkerEvent) => void;
