import { errorCode } from "./errors.js";

/**
 * What kept a statement from being carried out:
 * `lock`: somebody holds a row, or it took too long; later it may go.
 * `row`: it was refused: for a value, a constraint, a trigger, a permission, or its size. With other rows it may go, or later.
 * `outage`: the connection, the server or its resources. Whether it was carried out is not known.
 */
export type Failure = "lock" | "row" | "outage";

/** Lock not available, deadlock, serialization failure, query cancelled (by the statement timeout). */
const lockStates = new Set(["55P03", "40P01", "40001", "57014"]);

/** Tells failures apart by their SQLSTATE (PostgreSQL documentation, appendix A). */
export function failureOf(error: unknown): Failure {
  const code = errorCode(error) ?? "";
  if (lockStates.has(code)) return "lock";
  // No class of these begins with an E, as the network's EPIPE does.
  const isSqlState = /^(?!E)[0-9A-Z]{5}$/.test(code);
  // V8 could not build the statement: the database was not asked.
  if (!isSqlState && isRangeError(error)) return "row";
  // Connection, transaction state (a read-only server), resources, operator intervention, system.
  return isSqlState && !/^(08|25|53|57|58|XX)/.test(code) ? "row" : "outage";
}

/** Whether a refusal is of a kind that usually concerns every row: missing tables, and rights that are not granted. */
export function isForEveryRow(error: unknown): boolean {
  return errorCode(error)?.startsWith("42") === true;
}

function isRangeError(error: unknown): boolean {
  return error instanceof RangeError || (error instanceof Error && error.cause instanceof RangeError);
}
