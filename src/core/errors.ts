/** What every error of this package is an instance of. Its message says what to do next. */
export class SoniqError extends Error {
  override readonly name: string = "SoniqError";
}

/**
 * A payload, result or option that cannot be stored or is not what its validator asks for.
 * Thrown before any SQL, so a surrounding transaction stays usable.
 */
export class InvalidValueError extends SoniqError {
  override readonly name = "InvalidValueError";

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

/** A configuration, command line or environment that cannot work. */
export class ConfigError extends SoniqError {
  override readonly name = "ConfigError";
}

/** The database lacks tables or columns that this version needs, or has them from elsewhere. */
export class MigrationError extends SoniqError {
  override readonly name = "MigrationError";
}

/** The SQLSTATE or network code of an error, also when Drizzle wrapped it. */
export function errorCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === "string") return code;
  }
  return undefined;
}

/** What the database or driver said, without the statement and parameters that Drizzle puts in front of it. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "DrizzleQueryError" || error.message.startsWith("Failed query:"))
    return errorText(error.cause ?? "query failed");
  return error.message || errorCode(error) || error.name;
}
