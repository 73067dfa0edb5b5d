import type { Queryable } from "../core/queryable.js";
import type { Listener } from "./listener.js";
import type { TransactionSlot } from "./transaction-slot.js";

/**
 * A PGlite of this process, as `pglite(db)` of `soniq-drizzle/pglite` makes it. PGlite has one session: whatever is said to
 * it waits for the transaction that is open, and nobody else can have its directory.
 */
export interface PgliteConnection<Tx = Queryable> {
  /** Where its data is, for people to read. */
  readonly place: string;
  /** For the engine's own statements. */
  readonly db: Queryable;
  /** Opens what handlers have their transactions in. One at a time: a second one would wait for the first. */
  openSlot(): TransactionSlot<Tx>;
  /**
   * @param hear by channel, who gets what is said on it
   * @param onListening called when it begins to listen
   */
  openListener(hear: Readonly<Record<string, (payload: string) => void>>, onListening: () => void): Listener;
}
