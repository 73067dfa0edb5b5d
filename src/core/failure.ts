import { findErrorCode } from "./errors.js";

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
export function classifyFailure(error: unknown): Failure {
  const code = findErrorCode(error) ?? "";
  if (lockStates.has(code)) return "lock";
  // V8 could not build the statement: the database was not asked.
  if (!isSqlState(code) && isRangeError(error)) return "row";
  // Connection, transaction state (a read-only server), resources, operator intervention, system.
  return isSqlState(code) && !/^(08|25|53|57|58|XX)/.test(code) ? "row" : "outage";
}

/** Whether PostgreSQL itself said so. No class of its states begins with an E, as the network's EPIPE does. */
export function isSqlState(code: string | undefined): boolean {
  return code !== undefined && /^(?!E)[0-9A-Z]{5}$/.test(code);
}

/**
 * Whether PostgreSQL refused the statement, so that a single row of it may be the cause. Its code does not say whether one is: a
 * trigger may raise any. Not so where the connection is of no use, or the server is read-only or shutting down.
 */
export function isRefusal(error: unknown): boolean {
  return /^(?!E[A-Z]{4}$|08|25006|28|57P|53300)[0-9A-Z]{5}$/.test(findErrorCode(error) ?? "");
}

/** Whether a refusal is of a kind that usually concerns every row: missing tables, and rights that are not granted. */
export function isForEveryRow(error: unknown): boolean {
  return findErrorCode(error)?.startsWith("42") === true;
}

function isRangeError(error: unknown): boolean {
  return error instanceof RangeError || (error instanceof Error && error.cause instanceof RangeError);
}
