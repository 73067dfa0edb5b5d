import type { Queryable } from "../core/queryable.js";
import type { Listener } from "./listener.js";
import type { TransactionSlot } from "./transaction-slot.js";

/**
 * A PGlite instance in this process, created by `pglite(db)` of `soniq-drizzle/pglite`. PGlite has a single session, so every statement
 * waits until the open transaction ends, and no other process can open its directory.
 */
export interface PgliteConnection<Tx = Queryable> {
  /** A description of the data's location, for messages. */
  readonly place: string;
  /** Runs the engine's own statements. */
  readonly db: Queryable;
  /** Opens a slot for the transactions of handlers. Only one may be open, because a second one would wait for the first. */
  openSlot(): TransactionSlot<Tx>;
  /**
   * @param handlers by channel, called with the payload of each notification
   * @param onListening called when the listener has started
   */
  openListener(handlers: Readonly<Record<string, (payload: string) => void>>, onListening: () => void): Listener;
}
