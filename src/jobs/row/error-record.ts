import { SoniqError, unwrapQueryError } from "../../core/errors.js";
import { sanitizeText } from "../../core/storable.js";

/** A failure as the job keeps it; the database adds `at`. */
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

/** What an error says in figures, for programs. */
export type ErrorDetails = Readonly<Record<string, string | number>>;

/** An error whose details are kept, also where it is the cause of another one. */
export class DetailedError extends SoniqError {
  override readonly name: string = "DetailedError";

  /** @param details without secrets, and storable */
  constructor(
    message: string,
    readonly details: ErrorDetails,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const maxMessage = 2_000;
const maxStack = 8_000;
const deepestCause = 3;
const maxInnerErrors = 5;
const maxInnerMessage = 500;

/**
 * What is kept of anything that a handler threw: cut, without secrets, and storable whatever it was.
 *
 * @param worker the session that ran the attempt
 */
export function errorRecord(thrown: unknown, attempt: number, worker: string): ErrorRecord {
  const { name, message, code, stack, cause, details = parts(cause).details } = parts(thrown);
  const causes = causeText(cause, deepestCause);
  return {
    attempt,
    worker,
    name: sanitizeText(name, 200),
    message: sanitizeText(message, maxMessage),
    ...(code !== undefined && { code: sanitizeText(code, 200) }),
    ...(stack !== undefined && { stack: sanitizeText(stack, maxStack) }),
    ...(causes && { cause: sanitizeText(causes, maxMessage) }),
    ...(details && { details }),
  };
}

interface Parts {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: unknown;
  readonly details?: ErrorDetails;
}

/**
 * Reads an error that may have throwing getters, or be no error at all.
 *
 * @param isInner it is one of another error's: those within it are left out
 */
function parts(raw: unknown, isInner = false): Parts {
  try {
    const thrown = unwrapQueryError(raw);
    if (!(thrown instanceof Error))
      return {
        name: "Thrown",
        message: typeof thrown === "string" ? thrown : (JSON.stringify(thrown) ?? String(thrown)),
      };
    const inner = isInner ? [] : innerErrors(thrown);
    const code = codeOf(thrown) ?? inner.map(codeOf).find((one) => one !== undefined);
    const name = String(thrown.name);
    const message = String(thrown.message) || code || name;
    return {
      name,
      message: [message, ...(inner.length > 0 ? [innerText(inner)] : [])].join(": "),
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

/** Those of an AggregateError, or of any error that has some. */
function innerErrors(error: Error): readonly unknown[] {
  const { errors } = error as { errors?: unknown };
  return Array.isArray(errors) && errors.some((one) => one instanceof Error) ? errors.slice(0, maxInnerErrors) : [];
}

function innerText(errors: readonly unknown[]): string {
  return errors
    .map((one) => {
      const { name, message } = parts(one, true);
      return sanitizeText(`${name}: ${message}`, maxInnerMessage);
    })
    .join("; ");
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" || typeof code === "number" ? String(code) : undefined;
}

function causeText(cause: unknown, depth: number): string {
  if (cause === undefined || cause === null || depth === 0) return "";
  const { name, message, cause: next } = parts(cause);
  return [`${name}: ${message}`, causeText(next, depth - 1)].filter(Boolean).join(" ← ");
}
