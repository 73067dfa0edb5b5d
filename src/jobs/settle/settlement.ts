import type { Outcome } from "./outcome.js";

/** One claim and how it ended. */
export interface Settlement {
  readonly id: number;
  /** The fence of the claim. */
  readonly claimToken: number;
  readonly outcome: Outcome;
  /** The lines that the handler logged since the last append, as one JSON text. */
  readonly logs?: string | undefined;
}

/** A job after its settlement. */
export interface Settled {
  readonly id: number;
  /** The fence of the claim. A batch may hold several claims of a job, of which at most one stands. */
  readonly claimToken: number;
  readonly state: "queued" | "completed" | "cancelled" | "dead";
}

/** Whether the claim ended with nothing but a result. */
export function isPlainCompletion({ outcome, logs }: Settlement): boolean {
  return outcome.kind === "completed" && logs === undefined;
}

/** The result is spliced in, because it is already a JSON text. */
export function toCompletionJson({ id, claimToken, outcome }: Settlement): string {
  const { result = null } = toColumns(outcome);
  return result === null
    ? `{"id":${id},"token":${claimToken}}`
    : `{"id":${id},"token":${claimToken},"result":${result}}`;
}

export function toOutcomeJson({ id, claimToken, outcome, logs = "null" }: Settlement): string {
  const { result, ...rest } = toColumns(outcome);
  return `${JSON.stringify({ id, token: claimToken, ...rest }).slice(0, -1)},"result":${result ?? "null"},"logs":${logs}}`;
}

interface OutcomeColumns {
  readonly state: Settled["state"];
  /** Null for a job that keeps its position in the queue. */
  readonly delayMs?: number | null;
  readonly parked?: true;
  /** Subtracted from `attempt`: 1 if the attempt does not count. */
  readonly refund: 0 | 1;
  /** The attempt ended normally, so the crash count is reset. */
  readonly ran?: true;
  /** Counts as a crash; the job is dead at this many. */
  readonly maxCrashes?: number;
  readonly graceMs?: number;
  /** Dead at once, unless another version of the code works this queue. */
  readonly queue?: string;
  readonly result?: string | null;
  readonly error?: unknown;
  readonly reason?: string;
}

function toColumns(outcome: Outcome): OutcomeColumns {
  switch (outcome.kind) {
    case "completed":
      return { state: "completed", refund: 0, result: outcome.result };
    case "retried":
      return { state: "queued", refund: 0, ran: true, delayMs: outcome.delayMs, error: outcome.error };
    case "snoozed":
      return { state: "queued", refund: 1, ran: true, delayMs: outcome.delayMs };
    case "parked":
      return { state: "queued", refund: 1, ran: true, parked: true };
    case "released":
    case "unknown": {
      const { kind: _kind, thrown: _thrown, ...rest } = outcome;
      return { state: "queued", refund: 1, ...rest };
    }
    case "cancelled":
      return { state: "cancelled", refund: 0, ...(outcome.reason !== undefined && { reason: outcome.reason }) };
    case "dead":
      return { state: "dead", refund: 0, reason: outcome.reason, ...(outcome.error && { error: outcome.error }) };
    default:
      return outcome satisfies never;
  }
}

/** Estimates how many bytes a settlement adds to its statement. */
export function estimateSettlementBytes({ outcome, logs }: Settlement): number {
  const logBytes = logs === undefined ? 0 : Buffer.byteLength(logs);
  if (outcome.kind !== "completed")
    return bytesPerRow + Buffer.byteLength(JSON.stringify(toColumns(outcome))) + logBytes;
  return bytesPerRow + (outcome.result === null ? 0 : Buffer.byteLength(outcome.result)) + logBytes;
}

const bytesPerRow = 200;
