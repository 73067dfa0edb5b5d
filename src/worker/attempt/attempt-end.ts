import type { InvalidValueError } from "../../core/errors.js";
import type { ClaimedJob } from "../../jobs/claim/claim.js";
import type { JobDefinition } from "../../jobs/definition/define-job.js";
import { brokenConnection, decide, type Ending, type Outcome, refusedPayload } from "../../jobs/settle/outcome.js";
import type { Settled } from "../../jobs/settle/settle.js";
import type { Interruption } from "./interruption.js";
import { lateDirective } from "./made-directives.js";

/** How the handler ended. `refused`: its payload was not valid, so it was not called. */
export type HandlerEnd = Ending | { readonly refused: InvalidValueError };

/** How the handler's transaction ended. `job.transaction` returns `returned` to the handler, or throws `error`. */
export type TransactionEnd =
  | {
      readonly kind: "committed";
      readonly outcome: Outcome;
      readonly state: Settled["state"];
      readonly returned: unknown;
    }
  /** Its body returned something that does not complete the job: `outcome` is yet to be settled. */
  | { readonly kind: "rolled back"; readonly outcome: Outcome; readonly returned: unknown }
  /** The settle found the claim ended: rolled back. */
  | { readonly kind: "fenced"; readonly outcome: Outcome; readonly error: unknown }
  /** The connection broke under the handler's own statements, which may have been why. */
  | { readonly kind: "disconnected"; readonly error: unknown }
  /** There was no connection, or it broke before the body was called. */
  | { readonly kind: "not begun"; readonly error: unknown }
  /** The body threw, or PostgreSQL refused what the handler asked of it: rolled back. */
  | { readonly kind: "failed"; readonly error: unknown };

/** How an attempt ended, and what is left to do for it. */
export type AttemptEnd =
  /** `outcome` is to be settled, with what the handler logged last. */
  { readonly kind: "unsettled"; readonly outcome: Outcome; readonly logs?: string | undefined } | WrittenEnd;

/** How an attempt ended of which nothing is left to be written. */
export type WrittenEnd =
  /** `late`: what the handler threw after its transaction had completed the job, or a directive that came after that. */
  | {
      readonly kind: "settled";
      readonly outcome: Outcome;
      readonly state: Settled["state"];
      readonly late?: unknown;
    }
  /** The claim had ended before: nothing was written. */
  | { readonly kind: "fenced"; readonly outcome: Outcome }
  /** The job is left to whoever has taken it, or is about to rescue it. */
  | { readonly kind: "left" };

/** The attempt that ended, and what bounds it. */
interface EndedAttempt {
  readonly job: ClaimedJob;
  readonly definition: JobDefinition;
  /** The session that ran it. */
  readonly workerId: string;
  readonly limits: { readonly refusedGraceMs: number; readonly maxCrashes: number };
  /** From 0 to 1, for the jitter of delays. */
  readonly random: number;
}

/** What happened in an attempt. */
interface AttemptHistory {
  readonly handler: HandlerEnd;
  /** Undefined: there was none, or it has not ended yet, and the worker goes on without its handler. */
  readonly transaction: TransactionEnd | undefined;
  /** The gravest. */
  readonly interruption: Interruption | undefined;
  /** What the handler's signal was aborted with. */
  readonly abortError: unknown;
}

/** Concludes from what happened how the attempt ended. Never throws, whatever the handler returned or threw. */
export function concludeAttempt(attempt: EndedAttempt, history: AttemptHistory): AttemptEnd {
  const { job, definition, workerId, limits, random } = attempt;
  const { handler, transaction, interruption } = history;
  const unsettled = (outcome: Outcome): AttemptEnd => ({ kind: "unsettled", outcome });
  const decided = (ending: Ending) => unsettled(decide(job, definition, ending, workerId, random));

  // The database has answered: nothing that happened beside it counts.
  if (transaction?.kind === "committed") {
    const late = "threw" in handler ? handler.threw : lateDirective(job, handler);
    const { outcome, state } = transaction;
    return { kind: "settled", outcome, state, ...(late !== undefined && { late }) };
  }
  if (transaction?.kind === "fenced") return { kind: "fenced", outcome: transaction.outcome };

  if ("refused" in handler)
    return unsettled(refusedPayload(job, handler.refused, workerId, limits.refusedGraceMs, random));
  if (interruption === "taken") return { kind: "left" };
  // A handler that returns although it was interrupted has done its work.
  if ("returned" in handler)
    return transaction?.kind === "rolled back" ? unsettled(transaction.outcome) : decided(handler);

  switch (interruption) {
    case "crash":
      return { kind: "left" };
    case "shutdown":
      return unsettled({ kind: "released", delayMs: 0, ran: true });
    case "cancel":
      return unsettled({ kind: "cancelled" });
    case "timeout":
    case undefined:
      break;
    default:
      interruption satisfies never;
  }
  if (transaction?.kind === "disconnected")
    return unsettled(brokenConnection(job, handler.threw, workerId, limits.maxCrashes, random));
  // A transaction that never began cannot have broken its connection: that is no crash.
  if (transaction?.kind === "not begun")
    return unsettled(brokenConnection(job, handler.threw, workerId, undefined, random));
  return decided(interruption === "timeout" ? { threw: history.abortError } : handler);
}

/**
 * The end of an attempt once its outcome was to be settled.
 *
 * @param state what the settle came to: the state that it left the job in; undefined where it found the claim ended; `left` where
 *   it could not be written
 */
export function endOfSettle(outcome: Outcome, state: Settled["state"] | "left" | undefined): WrittenEnd {
  if (state === "left") return { kind: "left" };
  return state === undefined ? { kind: "fenced", outcome } : { kind: "settled", outcome, state };
}
