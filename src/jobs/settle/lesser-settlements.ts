import { describeError } from "../../core/errors.js";
import { sanitizeText } from "../../core/storable.js";
import type { Outcome } from "./outcome.js";
import type { Settlement } from "./settle.js";

/** A settlement that may be written in place of one that PostgreSQL refuses. */
export interface LesserSettlement<S extends Settlement> {
  readonly settlement: S;
  /** What it leaves out, in the words that complete "it is settled without". */
  readonly without: string;
}

/**
 * What may be written of a settlement that PostgreSQL refuses for what it says.
 *
 * @param refusal what PostgreSQL refuses it with
 * @returns the one that loses least first; the last one makes the job a dead letter that says only why
 */
export function lesserSettlements<S extends Settlement>(settlement: S, refusal: unknown): LesserSettlement<S>[] {
  const reason = `its outcome could not be stored: ${sanitizeText(describeError(refusal))}`;
  const { outcome, logs } = settlement;
  const unlogged = { ...settlement, logs: undefined };
  const plainer = withoutError(outcome, reason);
  return [
    ...(logs === undefined ? [] : [{ settlement: unlogged, without: "its last logs" }]),
    ...(plainer ? [{ settlement: { ...unlogged, outcome: plainer }, without: "its error" }] : []),
    { settlement: { ...unlogged, outcome: { kind: "dead", reason } as const }, without: "its outcome" },
  ];
}

/** A failed attempt stays one, though what it failed with cannot be stored. */
function withoutError(outcome: Outcome, reason: string): Outcome | undefined {
  if (outcome.kind !== "retried") return undefined;
  const { attempt, worker } = outcome.error;
  return { ...outcome, error: { attempt, worker, name: "Error", message: reason } };
}
