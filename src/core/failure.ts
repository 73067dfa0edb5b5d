import { findErrorCode } from "./errors.js";

/**
 * Why a statement failed:
 * - `lock`: another transaction holds a row's lock, or the statement timed out. A later retry may succeed.
 * - `row`: PostgreSQL refused it, because of a value, a constraint, a trigger, a permission, or its size. It may succeed with other
 *   rows, or later.
 * - `outage`: the connection, the server or its resources failed. It is unknown whether the statement took effect.
 */
export type Failure = "lock" | "row" | "outage";

/** Lock not available, deadlock, serialization failure, and query cancelled (by the statement timeout). */
const lockStates = new Set(["55P03", "40P01", "40001", "57014"]);

/** Classifies a failure by its SQLSTATE (PostgreSQL documentation, appendix A). */
export function classifyFailure(error: unknown): Failure {
  const code = findErrorCode(error) ?? "";
  if (lockStates.has(code)) return "lock";
  // V8 could not build the statement, so it was never sent.
  if (!isSqlState(code) && isRangeError(error)) return "row";
  // The classes of connection errors, transaction states (a read-only server), resources, operator intervention, and system errors.
  return isSqlState(code) && !/^(08|25|53|57|58|XX)/.test(code) ? "row" : "outage";
}

/** Whether the code comes from PostgreSQL itself. No SQLSTATE begins with an E, as the network error EPIPE does. */
export function isSqlState(code: string | undefined): boolean {
  return code !== undefined && /^(?!E)[0-9A-Z]{5}$/.test(code);
}

/**
 * Whether PostgreSQL refused the statement, possibly because of a single row. The SQLSTATE does not tell whether a row is the cause,
 * since a trigger may raise any SQLSTATE. False if the connection is unusable, or the server is read-only or shutting down.
 */
export function isRefusal(error: unknown): boolean {
  return /^(?!E[A-Z]{4}$|08|25006|28|57P|53300)[0-9A-Z]{5}$/.test(findErrorCode(error) ?? "");
}

/** Whether the refusal usually concerns every row: a table is missing, or a privilege is not granted. */
export function isForEveryRow(error: unknown): boolean {
  return findErrorCode(error)?.startsWith("42") === true;
}

function isRangeError(error: unknown): boolean {
  return error instanceof RangeError || (error instanceof Error && error.cause instanceof RangeError);
}
