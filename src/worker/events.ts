import type { ClaimedJob } from "../jobs/claim.js";
import type { Outcome } from "../jobs/outcome.js";
import type { Rescued } from "../jobs/rescue.js";
import type { Settled } from "../jobs/settle.js";

/** What a worker tells of itself, for logs. */
export type WorkerEvent =
  /** An attempt ended, and it is written down. */
  | {
      readonly type: "settled";
      readonly job: ClaimedJob;
      readonly outcome: Outcome;
      readonly state: Settled["state"];
      readonly runMs: number;
    }
  /** An attempt ended, but the job had been taken from this worker: nothing was written. */
  | { readonly type: "fenced"; readonly job: ClaimedJob; readonly outcome: Outcome; readonly runMs: number }
  /** A handler threw after its transaction had completed the job: nothing is tried again. */
  | { readonly type: "late error"; readonly job: ClaimedJob; readonly error: unknown }
  /** Jobs of dead workers were given back. */
  | { readonly type: "rescued"; readonly jobs: readonly Rescued[] }
  /** This session had ended, its jobs were taken; a new one has begun. */
  | { readonly type: "session lost" }
  /**
   * A schedule's tick enqueued no job of its own: it was missed, or the last job had not finished and may not overlap, or a
   * job held its unique key.
   */
  | {
      readonly type: "tick skipped";
      readonly schedule: string;
      readonly tick: Date;
      readonly why: "missed" | "overlap";
    }
  /** Something failed that will be tried again. */
  | { readonly type: "trouble"; readonly doing: string; readonly error: unknown }
  /** Something keeps this worker from its best, or, where it is not `ready`, from its work. Told once, however long it lasts. */
  | { readonly type: "degraded"; readonly ready: boolean; readonly reasons: readonly string[] }
  /** All is well again. */
  | { readonly type: "recovered" };

export type Tell = (event: WorkerEvent) => void;
