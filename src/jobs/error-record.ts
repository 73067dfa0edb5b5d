import { SoniqError, withoutQuery } from "../core/errors.js";
import { storable } from "../core/storable.js";

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

const longestMessage = 2_000;
const longestStack = 8_000;
const deepestCause = 3;

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
    name: storable(name, 200),
    message: storable(message, longestMessage),
    ...(code !== undefined && { code: storable(code, 200) }),
    ...(stack !== undefined && { stack: storable(stack, longestStack) }),
    ...(causes && { cause: storable(causes, longestMessage) }),
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

/** Reads an error that may have throwing getters, or be no error at all. */
function parts(raw: unknown): Parts {
  try {
    const thrown = withoutQuery(raw);
    if (!(thrown instanceof Error))
      return {
        name: "Thrown",
        message: typeof thrown === "string" ? thrown : (JSON.stringify(thrown) ?? String(thrown)),
      };
    const { code } = thrown as { code?: unknown };
    return {
      name: String(thrown.name),
      message: String(thrown.message),
      ...((typeof code === "string" || typeof code === "number") && { code: String(code) }),
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

function causeText(cause: unknown, depth: number): string {
  if (cause === undefined || cause === null || depth === 0) return "";
  const { name, message, cause: next } = parts(cause);
  return [`${name}: ${message}`, causeText(next, depth - 1)].filter(Boolean).join(" ← ");
}
