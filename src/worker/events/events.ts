import type { Outcome } from "../../jobs/settle/outcome.js";
import type { Rescued } from "../../jobs/upkeep/rescue.js";
import type { Settled } from "../../jobs/settle/settlement.js";
import type { EventJob } from "./event-job.js";

/**
 * An event that a worker emits: for logs, metrics and alarms. The worker emits the end of an attempt after PostgreSQL has confirmed
 * the write. The job's next attempt may have started by then.
 */
export type WorkerEvent =
  /** An attempt starts: the worker is about to call its handler. */
  | { readonly type: "started"; readonly job: EventJob }
  /** A handler called `job.log`. */
  | {
      readonly type: "logged";
      readonly job: EventJob;
      readonly message: string;
      readonly fields?: Readonly<Record<string, unknown>>;
    }
  | SettledEvent
  /** An attempt ended after the job had been taken from this worker: nothing was written. */
  | { readonly type: "fenced"; readonly job: EventJob; readonly outcome: Outcome; readonly runMs: number }
  /**
   * A handler threw after its transaction had completed the job, or created a directive after its attempt had ended. The job is not
   * retried.
   */
  | { readonly type: "late-error"; readonly job: EventJob; readonly error: unknown }
  /** This worker rescued jobs from dead workers. A job that became `dead` has a `reason`. */
  | { readonly type: "rescued"; readonly jobs: readonly Rescued[] }
  /** This worker's session had ended and its jobs were taken. A new session has started. */
  | { readonly type: "session-lost" }
  /**
   * A schedule's tick did not enqueue a separate job. `missed`: no worker was there to fire it. `overlap`: the schedule's last job had
   * not finished and may not overlap, or another job held its unique key.
   */
  | {
      readonly type: "tick-skipped";
      readonly schedule: string;
      readonly tick: Date;
      readonly reason: "missed" | "overlap";
    }
  /** An operation of the worker failed, and the worker retries it. `operation` completes the words "failed while …". */
  | { readonly type: "error"; readonly operation: string; readonly error: unknown }
  /** The worker is impaired; if it is not `ready`, it cannot work at all. Emitted once, no matter how long the problem lasts. */
  | { readonly type: "degraded"; readonly ready: boolean; readonly reasons: readonly string[] }
  /** The worker is healthy again. */
  | { readonly type: "recovered" };

/** An attempt ended, and PostgreSQL has confirmed the write. */
export interface SettledEvent {
  /**
   * How the job ended up. This can differ from the attempt's `outcome`: an attempt that is to be retried leaves its job `cancelled` if the
   * job was cancelled in the meantime, and a job whose name stays unknown becomes `dead` eventually.
   */
  readonly type: Outcome["kind"];
  readonly job: EventJob;
  /** How the attempt itself ended. */
  readonly outcome: Outcome;
  /**
   * The error that failed the attempt, as it was thrown: by the handler, or for a cause such as its timeout or an invalid payload.
   * Undefined if nothing failed. The job is retried if `state` is `queued`; this was its last attempt if `state` is `dead`.
   */
  readonly error?: unknown;
  readonly state: Settled["state"];
  /** The duration of the attempt, in milliseconds. */
  readonly runMs: number;
}

export type WorkerEventListener = (event: WorkerEvent) => void;
