import {
  findErrorCode,
  describeError,
  InvalidValueError,
  MigrationError,
  NotFoundError,
  SoniqError,
} from "../core/errors.js";
import { classifyFailure } from "../core/failure.js";
import { sanitizeText } from "../core/sanitize-text.js";
import { printToStderr, toOneLine } from "../core/terminal.js";
import { Refusal } from "./refusal.js";

/** An error as the API returns it: without statements, addresses and stacks. */
export interface Problem {
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 415 | 421 | 429 | 500 | 503;
  /** A sentence that says what to do next. */
  readonly error: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Converts an error to the API's answer. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Refusal) return { status: error.status, error: error.message, headers: error.headers };
  if (error instanceof InvalidValueError) return { status: 400, error: error.message };
  if (error instanceof NotFoundError) return { status: 404, error: error.message };
  if (error instanceof MigrationError) return { status: 503, error: error.message };
  if (error instanceof SoniqError) return { status: 409, error: error.message };
  return toDatabaseProblem(findErrorCode(error)) ?? toUnexpectedProblem(error);
}

function toDatabaseProblem(code: string | undefined): Problem | undefined {
  switch (code) {
    case undefined:
      return undefined;
    case "22021":
    case "22P05":
      return { status: 400, error: "a text contains a NUL character, which PostgreSQL cannot store: remove it" };
    case "57014":
      return {
        status: 503,
        error: "the query took longer than 5 s: narrow it by queue, job, state or a shorter time range",
      };
    case "55P03":
    case "40001":
    case "40P01":
      return { status: 409, error: "another transaction has locked it: try again in a moment" };
    case "25006":
      return { status: 503, error: "the database is read-only: connect the dashboard to the primary to make changes" };
    case "42501":
      return {
        status: 503,
        error: "the dashboard's database role lacks a privilege: grant the ones in examples/deploy/roles.sql",
      };
    default:
      return undefined;
  }
}

function toUnexpectedProblem(error: unknown): Problem {
  return findErrorCode(error) !== undefined && classifyFailure(error) === "outage"
    ? { status: 503, error: "PostgreSQL does not answer: try again in a moment" }
    : { status: 500, error: "this failed on the server: see the server's log for the error" };
}

/** SQLSTATEs that are no failure of the server: statement timeout (57014) and read-only database (25006). */
const expectedSqlStates = new Set(["57014", "25006"]);

/** Prints an error that the operator must know, without statements and secrets. */
export function reportFailure(error: unknown): void {
  const code = findErrorCode(error);
  if (error instanceof Refusal || expectedSqlStates.has(code ?? "")) return;
  printToStderr(
    toOneLine(`soniq-drizzle: the dashboard failed: ${sanitizeText(describeError(error))}${code ? ` (${code})` : ""}`),
  );
}
