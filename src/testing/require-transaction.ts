import { resolvePrimary } from "../core/builder.js";
import { SoniqError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";

/**
 * Requires a transaction, so that changes meant for tests are not committed.
 *
 * @param caller the function that requires the transaction
 * @throws SoniqError if `tx` is not a transaction
 */
export function requireTransaction(tx: Queryable, caller: string): void {
  if ("rollback" in resolvePrimary(tx)) return;
  throw new SoniqError(
    `${caller} needs a transaction that the test rolls back: use the one that withRollback(db, (tx) => …) gives you`,
  );
}
