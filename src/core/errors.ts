import { recognizeAcrossCopies } from "./across-copies.js";

/** What every error of this package is an instance of. Its message says what to do next. */
export class SoniqError extends Error {
  override readonly name: string = "SoniqError";
  static {
    recognizeAcrossCopies(this, "SoniqError");
  }
}

/**
 * A payload, result or option that cannot be stored or is not what its validator asks for.
 * Thrown before any SQL, so a surrounding transaction stays usable.
 */
export class InvalidValueError extends SoniqError {
  override readonly name = "InvalidValueError";
  static {
    recognizeAcrossCopies(this, "InvalidValueError");
  }

  /**
   * @param path where it is, such as `payload.lines[2].price`
   * @param problem what is wrong with it, such as `is NaN, which JSON cannot carry`
   */
  constructor(
    readonly path: string,
    readonly problem: string,
    owner = "",
  ) {
    super(`${owner}${path} ${problem}`);
  }

  /** The same error, naming whose value it is. */
  of(owner: string): InvalidValueError {
    return new InvalidValueError(this.path, this.problem, `${owner}: `);
  }
}

/**
 * Another job holds the unique key, and the definition says `onConflict: "error"`. Nothing was enqueued, and a
 * surrounding transaction stays usable.
 */
export class DuplicateJobError extends SoniqError {
  override readonly name = "DuplicateJobError";
  static {
    recognizeAcrossCopies(this, "DuplicateJobError");
  }

  /**
   * @param job the definition's name
   * @param id the job that holds the key
   */
  constructor(
    readonly job: string,
    readonly id: number,
  ) {
    super(`job ${job}: job ${id} holds this unique key: leave it at that, or enqueue again when the key is freed`);
  }
}

/** There is no schedule, endpoint or delivery of that name or id: not any more, or not yet. */
export class NotFoundError extends SoniqError {
  override readonly name = "NotFoundError";
  static {
    recognizeAcrossCopies(this, "NotFoundError");
  }
}

/** A configuration, command line or environment that cannot work. */
export class ConfigError extends SoniqError {
  override readonly name = "ConfigError";
  static {
    recognizeAcrossCopies(this, "ConfigError");
  }
}

/** The database lacks tables or columns that this version needs, or has them from elsewhere. */
export class MigrationError extends SoniqError {
  override readonly name = "MigrationError";
  static {
    recognizeAcrossCopies(this, "MigrationError");
  }
}

/**
 * Checks an argument that compiles as an object only, and may be anything in JavaScript.
 *
 * @throws InvalidValueError for anything else, with `hint`: what to pass
 */
export function checkObject(value: unknown, path: string, hint: string): void {
  if (typeof value !== "object" || value === null) throw new InvalidValueError(path, `is ${describeValue(value)}: ${hint}`);
}

/** A value in the words of a message: the value itself where that is short, else what kind of value it is. */
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

/** Where something is inside a value, as JavaScript would write it: `.lines[2]["unit price"]`. */
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

/** The SQLSTATE or network code of an error, also when Drizzle wrapped it. */
export function findErrorCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === "string") return code;
  }
  return undefined;
}

/** What the database or driver said, without the statement and parameters that Drizzle puts in front of it. */
export function describeError(error: unknown): string {
  const cause = unwrapQueryError(error);
  if (!(cause instanceof Error)) return String(cause);
  // That of a connection which was tried at several addresses has no message.
  const [first] = cause instanceof AggregateError ? (cause.errors as unknown[]) : [];
  return cause.message || findErrorCode(cause) || (first instanceof Error && first.message) || cause.name;
}

/** The error that Drizzle wrapped, if it did: its wrapping holds the statement, and the values of its parameters. */
export function unwrapQueryError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isWrapper = error.name === "DrizzleQueryError" || String(error.message).startsWith("Failed query:");
  return isWrapper ? unwrapQueryError(error.cause ?? "query failed") : error;
}
