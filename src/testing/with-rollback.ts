import { InvalidValueError, describeValue } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { resolvePrimary } from "../core/builder.js";
import type { Transactional } from "../database/transaction-slot.js";

/**
 * Runs a test in a transaction, and rolls that back: nothing of it stays.
 *
 * @param db any Drizzle PostgreSQL database
 * @param test gets the transaction, of the database's own type
 * @returns what `test` returned
 */
export async function withRollback<Tx, T>(db: Transactional<Tx>, test: (tx: Tx) => Promise<T>): Promise<T> {
  resolvePrimary(db as unknown as Queryable);
  if (typeof test !== "function")
    throw new InvalidValueError("test", `is ${describeValue(test)}: give a function, which gets the transaction`);
  let ended: { readonly returned: T } | undefined;
  try {
    await db.transaction(async (tx) => {
      ended = { returned: await test(tx) };
      throw new Error("rolled back");
    });
  } catch (error) {
    if (!ended) throw error;
  }
  return (ended as { readonly returned: T }).returned;
}
