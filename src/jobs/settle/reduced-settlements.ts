import { describeError } from "../../core/errors.js";
import { sanitizeText } from "../../core/sanitize-text.js";
import type { Outcome } from "./outcome.js";
import type { Settlement } from "./settlement.js";

/** A reduced settlement, to write in place of a settlement that PostgreSQL rejects. */
export interface ReducedSettlement<S extends Settlement> {
  readonly settlement: S;
  /** The omitted part, in words that complete "it is settled without". */
  readonly without: string;
}

/**
 * Reduces a settlement whose content PostgreSQL rejects.
 *
 * @param refusal the error with which PostgreSQL rejects it
 * @returns the reduced settlements, the most complete first; the last makes the job a dead letter with nothing but the reason
 */
export function reduceSettlement<S extends Settlement>(settlement: S, refusal: unknown): ReducedSettlement<S>[] {
  const reason = `its outcome could not be stored: ${sanitizeText(describeError(refusal))}`;
  const { outcome, logs } = settlement;
  const withoutLogs = { ...settlement, logs: undefined };
  const simplified = withoutError(outcome, reason);
  return [
    ...(logs === undefined ? [] : [{ settlement: withoutLogs, without: "its last logs" }]),
    ...(simplified ? [{ settlement: { ...withoutLogs, outcome: simplified }, without: "its error" }] : []),
    { settlement: { ...withoutLogs, outcome: { kind: "dead", reason } as const }, without: "its outcome" },
  ];
}

/** Keeps the attempt failed although its error cannot be stored: the reason replaces the error. */
function withoutError(outcome: Outcome, reason: string): Outcome | undefined {
  if (outcome.kind !== "retried") return undefined;
  const { attempt, worker } = outcome.error;
  return { ...outcome, error: { attempt, worker, name: "Error", message: reason } };
}
