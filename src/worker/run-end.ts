import type { Outcome } from "../jobs/outcome.js";
import type { Settled } from "../jobs/settle.js";

/** How an attempt ended, and what is left to do for it. */
export type RunEnd =
  /** `logs`: what it logged last. */
  | { readonly kind: "to settle"; readonly outcome: Outcome; readonly logs?: string | undefined }
  /** Its own transaction has settled it; `late`: what the handler threw after that, or a directive that came too late. */
  | {
      readonly kind: "settled";
      readonly outcome: Outcome;
      readonly state: Settled["state"];
      readonly late?: unknown;
    }
  /** Its own transaction found the claim ended. */
  | { readonly kind: "fenced"; readonly outcome: Outcome }
  /** There is nothing to settle: the claim was lost, or is left to be rescued. */
  | { readonly kind: "lost" };
