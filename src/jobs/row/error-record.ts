import { SoniqError, unwrapQueryError } from "../../core/errors.js";
import { sanitizeText } from "../../core/sanitize-text.js";

/** A failure as the job stores it; the database adds `at`. */
export interface ErrorRecord {
  readonly attempt: number;
  readonly worker: string;
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: string;
  readonly details?: ErrorDetails;
}

/** Machine-readable facts about an error. */
export type ErrorDetails = Readonly<Record<string, string | number>>;

/** An error whose details are stored with the job, even if it is only the cause of the error that was thrown. */
export class DetailedError extends SoniqError {
  override readonly name: string = "DetailedError";

  /** @param details must contain no secrets, and only text that PostgreSQL can store */
  constructor(
    message: string,
    readonly details: ErrorDetails,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const maxMessageLength = 2_000;
const maxStackLength = 8_000;
const maxCauseDepth = 3;
const maxInnerErrors = 5;
const maxInnerMessageLength = 500;

/**
 * Converts anything that a handler threw to a record that PostgreSQL can store: truncated, and with secrets masked.
 *
 * @param worker the session that ran the attempt
 */
export function toErrorRecord(thrown: unknown, attempt: number, worker: string): ErrorRecord {
  const { name, message, code, stack, cause, details = readParts(cause).details } = readParts(thrown);
  const causes = describeCauses(cause, maxCauseDepth);
  return {
    attempt,
    worker,
    name: sanitizeText(name, 200),
    message: sanitizeText(message, maxMessageLength),
    ...(code !== undefined && { code: sanitizeText(code, 200) }),
    ...(stack !== undefined && { stack: sanitizeText(stack, maxStackLength) }),
    ...(causes && { cause: sanitizeText(causes, maxMessageLength) }),
    ...(details && { details }),
  };
}

interface ErrorParts {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: unknown;
  readonly details?: ErrorDetails;
}

/**
 * Reads an error. Its getters may throw, and it may not be an `Error` at all.
 *
 * @param isInner true for an element of another error's `errors`: its own `errors` are skipped
 */
function readParts(raw: unknown, isInner = false): ErrorParts {
  try {
    const thrown = unwrapQueryError(raw);
    if (!(thrown instanceof Error))
      return {
        name: "Thrown",
        message: typeof thrown === "string" ? thrown : (JSON.stringify(thrown) ?? String(thrown)),
      };
    const inner = isInner ? [] : innerErrors(thrown);
    const code = codeOf(thrown) ?? inner.map(codeOf).find((innerCode) => innerCode !== undefined);
    const name = String(thrown.name);
    const message = String(thrown.message) || code || name;
    return {
      name,
      message: [message, ...(inner.length > 0 ? [describeInnerErrors(inner)] : [])].join(": "),
      ...(code !== undefined && { code }),
      ...(typeof thrown.stack === "string" && { stack: thrown.stack }),
      cause: thrown.cause,
      ...(thrown instanceof DetailedError && { details: thrown.details }),
    };
  } catch (unreadable) {
    return {
      name: "Thrown",
      message: `an error that cannot be read: ${unreadable instanceof Error ? unreadable.name : typeof unreadable}`,
    };
  }
}

/** Returns the `errors` of an AggregateError, or of any other error that has such a list. */
function innerErrors(error: Error): readonly unknown[] {
  const { errors } = error as { errors?: unknown };
  return Array.isArray(errors) && errors.some((inner) => inner instanceof Error) ? errors.slice(0, maxInnerErrors) : [];
}

function describeInnerErrors(errors: readonly unknown[]): string {
  return errors
    .map((inner) => {
      const { name, message } = readParts(inner, true);
      return sanitizeText(`${name}: ${message}`, maxInnerMessageLength);
    })
    .join("; ");
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" || typeof code === "number" ? String(code) : undefined;
}

function describeCauses(cause: unknown, depth: number): string {
  if (cause === undefined || cause === null || depth === 0) return "";
  const { name, message, cause: next } = readParts(cause);
  return [`${name}: ${message}`, describeCauses(next, depth - 1)].filter(Boolean).join(" ← ");
}
