import { recognizeAcrossCopies } from "./recognize-across-copies.js";

/** The base class of all errors of this package. The message says what to do next. */
export class SoniqError extends Error {
  override readonly name: string = "SoniqError";
  static {
    recognizeAcrossCopies(this, "SoniqError");
  }
}

/**
 * A payload, result or option cannot be stored, or its validator rejects it. The error is thrown before any SQL runs, so a surrounding
 * transaction stays usable.
 */
export class InvalidValueError extends SoniqError {
  override readonly name = "InvalidValueError";
  static {
    recognizeAcrossCopies(this, "InvalidValueError");
  }

  /**
   * @param path the position of the value, such as `payload.lines[2].price`
   * @param problem what is wrong with the value, such as `is NaN, which JSON cannot carry`
   * @param owner a prefix of the message that names the value's owner, such as `job send-invoice: `. Default: none
   */
  constructor(
    readonly path: string,
    readonly problem: string,
    owner = "",
  ) {
    super(`${owner}${path} ${problem}`);
  }

  /** Returns a copy of the error whose message begins with the value's owner, such as `job send-invoice`. */
  of(owner: string): InvalidValueError {
    return new InvalidValueError(this.path, this.problem, `${owner}: `);
  }
}

/**
 * Another job holds the unique key, and the definition sets `onConflict: "error"`. No job was enqueued, and a surrounding
 * transaction stays usable.
 */
export class DuplicateJobError extends SoniqError {
  override readonly name = "DuplicateJobError";
  static {
    recognizeAcrossCopies(this, "DuplicateJobError");
  }

  /**
   * @param job the name of the job definition
   * @param id the id of the job that holds the key
   */
  constructor(
    readonly job: string,
    readonly id: number,
  ) {
    super(
      `job ${job}: job ${id} holds this unique key, so nothing was enqueued: ignore this error, or enqueue again when the key is freed`,
    );
  }
}

/** No schedule, endpoint or delivery has this name or id: it was deleted, or does not exist yet. */
export class NotFoundError extends SoniqError {
  override readonly name = "NotFoundError";
  static {
    recognizeAcrossCopies(this, "NotFoundError");
  }
}

/** The configuration, command line or environment is invalid. */
export class ConfigError extends SoniqError {
  override readonly name = "ConfigError";
  static {
    recognizeAcrossCopies(this, "ConfigError");
  }
}

/** The database lacks tables or columns that this version needs, or other migrations than this package's created them. */
export class MigrationError extends SoniqError {
  override readonly name = "MigrationError";
  static {
    recognizeAcrossCopies(this, "MigrationError");
  }
}

/**
 * Checks at run time that an argument is an object: callers in plain JavaScript have no compiler that checks it.
 *
 * @param hint what to pass instead, for the error
 * @throws InvalidValueError if it is not an object
 */
export function checkObject(value: unknown, path: string, hint: string): void {
  if (typeof value !== "object" || value === null)
    throw new InvalidValueError(path, `is ${describeValue(value)}: ${hint}`);
}

/** Describes a value in an error message: a short value is shown, and any other is replaced by its kind. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value.length <= maxDescribedChars ? JSON.stringify(value) : `a text of ${value.length} characters`;
    case "object":
      return value === null ? "null" : describeObject(value);
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    case "bigint":
      return "a bigint";
    default:
      return String(value);
  }
}

/** Formats the path to a nested value as JavaScript would write it: `.lines[2]["unit price"]`. */
export function formatPath(keys: readonly PropertyKey[]): string {
  return keys
    .map((key) => {
      if (typeof key === "number") return `[${key}]`;
      const name = String(key).slice(0, maxDescribedChars);
      return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
    })
    .join("");
}

const maxDescribedChars = 100;

function describeObject(value: object): string {
  try {
    const { name } = (Object.getPrototypeOf(value) as object).constructor;
    return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
  } catch {
    return "an object of no class";
  }
}

/** Finds the SQLSTATE or network code of an error or of its causes: Drizzle wraps the driver's error. */
export function findErrorCode(error: unknown): string | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 4; current = current.cause, depth += 1) {
    const code = (current as { code?: unknown }).code;
    if (typeof code === "string") return code;
  }
  return undefined;
}

/** Returns the message of the database or driver, without the statement and parameters that Drizzle prepends. */
export function describeError(error: unknown): string {
  const cause = unwrapQueryError(error);
  if (!(cause instanceof Error)) return String(cause);
  // If the driver tried several addresses, it throws an AggregateError without a message.
  const [first] = cause instanceof AggregateError ? (cause.errors as unknown[]) : [];
  return cause.message || findErrorCode(cause) || (first instanceof Error && first.message) || cause.name;
}

/** Returns the driver's error if Drizzle wrapped it. The wrapper's message contains the statement and all parameter values. */
export function unwrapQueryError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isWrapper = error.name === "DrizzleQueryError" || String(error.message).startsWith("Failed query:");
  return isWrapper ? unwrapQueryError(error.cause ?? "query failed") : error;
}
