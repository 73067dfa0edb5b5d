import { resolvePrimary } from "../core/builder.js";
import { SoniqError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";

/**
 * Keeps what is meant for tests from being committed.
 *
 * @param what was called
 * @throws SoniqError for what is no transaction
 */
export function requireTransaction(tx: Queryable, what: string): void {
  if ("rollback" in resolvePrimary(tx)) return;
  throw new SoniqError(
    `${what} takes the transaction of a test that rolls it back, such as the one that withRollback(db, (tx) => …) gives you`,
  );
}
