import { findErrorCode, describeError, InvalidValueError, MigrationError, NotFoundError, SoniqError } from "../core/errors.js";
import { classifyFailure } from "../core/failure.js";
import { sanitizeText } from "../core/storable.js";
import { printToStderr, toOneLine } from "../core/terminal.js";
import { Refusal } from "./refusal.js";

/** An error as it is answered: without statements, addresses and stacks. */
export interface Problem {
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 415 | 421 | 429 | 500 | 503;
  /** A sentence that says what to do next. */
  readonly error: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What to answer for an error. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Refusal) return { status: error.status, error: error.message, headers: error.headers };
  if (error instanceof InvalidValueError) return { status: 400, error: error.message };
  if (error instanceof NotFoundError) return { status: 404, error: error.message };
  if (error instanceof MigrationError) return { status: 503, error: error.message };
  if (error instanceof SoniqError) return { status: 409, error: error.message };
  return databaseProblem(findErrorCode(error)) ?? unexpected(error);
}

function databaseProblem(code: string | undefined): Problem | undefined {
  switch (code) {
    case undefined:
      return undefined;
    case "22021":
    case "22P05":
      return { status: 400, error: "a NUL character is in it, which PostgreSQL cannot hold: leave it out" };
    case "57014":
      return {
        status: 503,
        error: "PostgreSQL took longer than 5 s: narrow it, by queue, job, state or a shorter time",
      };
    case "55P03":
    case "40001":
    case "40P01":
      return { status: 409, error: "somebody else has it in hand: try again in a moment" };
    case "25006":
      return { status: 503, error: "the database is read-only: nothing can be changed there" };
    case "42501":
      return {
        status: 503,
        error: "the dashboard's role may not do this in the database: grant it what examples/deploy/roles.sql says",
      };
    default:
      return undefined;
  }
}

function unexpected(error: unknown): Problem {
  return findErrorCode(error) !== undefined && classifyFailure(error) === "outage"
    ? { status: 503, error: "PostgreSQL does not answer: try again in a moment" }
    : { status: 500, error: "this failed on the server: what is wrong is printed there" };
}

/** What an answer says that is nobody's failure: too much was asked for, or of a server that only reads. */
const expectedCodes = new Set(["57014", "25006"]);

/** Prints what is the server's business, without statements and secrets. */
export function reportFailure(error: unknown): void {
  const code = findErrorCode(error);
  if (error instanceof Refusal || expectedCodes.has(code ?? "")) return;
  printToStderr(toOneLine(`soniq-drizzle: the dashboard failed: ${sanitizeText(describeError(error))}${code ? ` (${code})` : ""}`));
}
