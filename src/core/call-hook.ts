/**
 * Calls what the user asked to be told by. What it does wrong is printed, and is nobody else's failure: neither when it
 * throws, nor when a promise that it returns is rejected.
 *
 * @param name what it is, in the line that is printed
 */
export function callHook<Told extends unknown[]>(name: string, hook: (...told: Told) => unknown, ...told: Told): void {
  const failed = (error: unknown) => complain(`soniq-drizzle: ${name} failed:`, error);
  try {
    const returned = hook(...told);
    if (typeof returned === "object" && returned !== null) Promise.resolve(returned).catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** An error may throw when it is printed: its stack may be anything. */
function complain(what: string, error: unknown): void {
  try {
    console.error(what, error);
  } catch {
    console.error(what, "an error that cannot be read");
  }
}
