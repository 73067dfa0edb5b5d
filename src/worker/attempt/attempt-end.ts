import type { InvalidValueError } from "../../core/errors.js";
import type { ClaimedJob } from "../../jobs/claim/claim.js";
import type { JobDefinition } from "../../jobs/definition/define-job.js";
import {
  decideLostConnection,
  decideOutcome,
  type HandlerResult,
  type Outcome,
  decideInvalidPayload,
} from "../../jobs/settle/outcome.js";
import type { Settled } from "../../jobs/settle/settlement.js";
import type { Interruption } from "./interruption.js";
import { findLateDirective } from "./made-directives.js";

/** How the handler ended. `refused`: the payload was invalid, so the handler was not called. */
export type HandlerEnd = HandlerResult | { readonly refused: InvalidValueError };

/** How the handler's transaction ended. `job.transaction` resolves with `returned`, or rejects with `error`. */
export type TransactionEnd =
  | {
      readonly kind: "committed";
      readonly outcome: Outcome;
      readonly state: Settled["state"];
      readonly returned: unknown;
    }
  /** The body returned a directive that does not complete the job. `outcome` still has to be settled. */
  | { readonly kind: "rolled back"; readonly outcome: Outcome; readonly returned: unknown }
  /** The settle found that the claim had ended, so the transaction was rolled back. */
  | { readonly kind: "fenced"; readonly outcome: Outcome; readonly error: unknown }
  /** The connection broke during the handler's statements, which may have caused the break. */
  | { readonly kind: "disconnected"; readonly error: unknown }
  /** No connection was available, or it broke before the body was called. */
  | { readonly kind: "not started"; readonly error: unknown }
  /** The body threw, or PostgreSQL refused one of its statements. The transaction was rolled back. */
  | { readonly kind: "failed"; readonly error: unknown };

/** How an attempt ended, and whether its outcome still has to be written. */
export type AttemptEnd =
  /** `outcome` still has to be settled, together with `logs`: the log lines that are not yet written. */
  { readonly kind: "unsettled"; readonly outcome: Outcome; readonly logs?: string | undefined } | WrittenEnd;

/** The end of an attempt that has nothing left to write. */
export type WrittenEnd =
  /** `late`: an error that the handler threw, or a directive that it returned, after its transaction had completed the job. */
  | {
      readonly kind: "settled";
      readonly outcome: Outcome;
      readonly state: Settled["state"];
      readonly late?: unknown;
    }
  /** The claim had already ended, so nothing was written. */
  | { readonly kind: "fenced"; readonly outcome: Outcome }
  /** The job is left to another worker, which has taken it or will rescue it. */
  | { readonly kind: "left" };

/** The attempt that ended, and its limits. */
interface EndedAttempt {
  readonly job: ClaimedJob;
  readonly definition: JobDefinition;
  /** The session that ran it. */
  readonly workerId: string;
  readonly limits: { readonly refusedGraceMs: number; readonly maxCrashes: number };
  /** A number from 0 to 1, for the jitter of delays. */
  readonly random: number;
}

/** The events of an attempt that decide how it ended. */
interface AttemptHistory {
  readonly handler: HandlerEnd;
  /** Undefined if the handler opened no transaction, or if the worker gave up on the handler before its transaction ended. */
  readonly transaction: TransactionEnd | undefined;
  /** The most severe interruption. */
  readonly interruption: Interruption | undefined;
  /** The reason that the handler's signal was aborted with. */
  readonly abortError: unknown;
}

/** Concludes how the attempt ended. Never throws, whatever the handler returned or threw. */
export function concludeAttempt(attempt: EndedAttempt, history: AttemptHistory): AttemptEnd {
  const { job, definition, workerId, limits, random } = attempt;
  const { handler, transaction, interruption } = history;
  const endWith = (outcome: Outcome): AttemptEnd => ({ kind: "unsettled", outcome });
  const decideEnd = (handlerResult: HandlerResult) =>
    endWith(decideOutcome(job, definition, handlerResult, workerId, random));

  // The database's answer is final. It outweighs everything else that happened in the attempt.
  if (transaction?.kind === "committed") {
    const late = "threw" in handler ? handler.threw : findLateDirective(job, handler);
    const { outcome, state } = transaction;
    return { kind: "settled", outcome, state, ...(late !== undefined && { late }) };
  }
  if (transaction?.kind === "fenced") return { kind: "fenced", outcome: transaction.outcome };

  if ("refused" in handler)
    return endWith(decideInvalidPayload(job, handler.refused, workerId, limits.refusedGraceMs, random));
  if (interruption === "taken") return { kind: "left" };
  // A handler that returns in spite of an interruption has done its work.
  if ("returned" in handler)
    return transaction?.kind === "rolled back" ? endWith(transaction.outcome) : decideEnd(handler);

  const interrupted = concludeInterruption(interruption);
  if (interrupted) return interrupted;
  if (transaction?.kind === "disconnected")
    return endWith(decideLostConnection(job, handler.threw, workerId, limits.maxCrashes, random));
  // A transaction that never started cannot have broken its connection, so this does not count as a crash.
  if (transaction?.kind === "not started")
    return endWith(decideLostConnection(job, handler.threw, workerId, undefined, random));
  return decideEnd(interruption === "timeout" ? { threw: history.abortError } : handler);
}

/** Concludes how an interrupted attempt ended. Undefined if the interruption does not decide that. */
function concludeInterruption(interruption: Exclude<Interruption, "taken"> | undefined): AttemptEnd | undefined {
  switch (interruption) {
    case "crash":
      return { kind: "left" };
    case "shutdown":
      return { kind: "unsettled", outcome: { kind: "released", delayMs: 0, ran: true } };
    case "cancel":
      return { kind: "unsettled", outcome: { kind: "cancelled" } };
    case "timeout":
    case undefined:
      return undefined;
    default:
      return interruption satisfies never;
  }
}

/**
 * Concludes how the attempt ended from the answer to its settle.
 *
 * @param state the state in which the settle left the job; undefined if the claim had already ended; `left` if the settle could
 *   not be written
 */
export function concludeSettle(outcome: Outcome, state: Settled["state"] | "left" | undefined): WrittenEnd {
  if (state === "left") return { kind: "left" };
  return state === undefined ? { kind: "fenced", outcome } : { kind: "settled", outcome, state };
}
