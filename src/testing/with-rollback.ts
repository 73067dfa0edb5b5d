import { InvalidValueError, describeValue } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { resolvePrimary } from "../core/builder.js";
import type { Transactional } from "../database/transaction-slot.js";

/**
 * Runs a test in a transaction, and rolls the transaction back, so that nothing is committed.
 *
 * @param db any Drizzle PostgreSQL database
 * @param test receives the transaction, which has the same type as in `db.transaction`
 * @returns the return value of `test`
 */
export async function withRollback<Tx, T>(db: Transactional<Tx>, test: (tx: Tx) => Promise<T>): Promise<T> {
  resolvePrimary(db as unknown as Queryable);
  if (typeof test !== "function")
    throw new InvalidValueError("test", `is ${describeValue(test)}: pass a function that takes the transaction`);
  let result: { readonly returned: T } | undefined;
  try {
    await db.transaction(async (tx) => {
      result = { returned: await test(tx) };
      throw new Error("rolled back");
    });
  } catch (error) {
    if (!result) throw error;
  }
  return (result as { readonly returned: T }).returned;
}
