import type { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import type { Queryable } from "../core/queryable.js";
import type { Listener } from "./listener.js";
import type { PgliteConnection } from "./pglite-connection.js";
import { ConnectionLoss, type Transactional, type TransactionSlot } from "./transaction-slot.js";

/** The parts of a PGlite that we use. The type is structural, because another copy or version of PGlite has other classes. */
interface PgliteClient {
  readonly dataDir?: string | undefined;
  listen(channel: string, handler: (payload: string) => void): Promise<() => Promise<void>>;
}

/**
 * Makes a worker use the application's PGlite. Pass the result in the configuration as `connection`, without a `database`.
 * The worker shares PGlite's single session with the application, and leaves it open when the worker stops.
 *
 * @param db the application's Drizzle on PGlite, whose transactions handlers use. The worker's own statements bypass it, so its logger
 *   does not log them
 */
export function pglite<Tx>(db: Transactional<Tx> & { readonly $client: PgliteClient }): PgliteConnection<Tx> {
  const client = db.$client;
  const { dataDir = "" } = client;
  return {
    place: /^(memory:.*)?$/.test(dataDir) ? "memory" : dataDir,
    db: drizzle({ client: client as unknown as PGlite }) as Queryable,
    openSlot: () => openSlot(db),
    openListener: (handlers, onListening) => openListener(client, handlers, onListening),
  };
}

/**
 * Opens a slot that can abandon a transaction's body. PGlite waits for the body without a limit, and all other statements wait, too. So a
 * body that does not end is abandoned and its transaction is rolled back; PGlite rejects the body's later statements.
 */
function openSlot<Tx>(db: Transactional<Tx>): TransactionSlot<Tx> {
  const loss = new ConnectionLoss(Infinity);
  let abandon = () => {};
  return {
    db: {
      transaction: (run, options) =>
        db.transaction(async (tx) => {
          // The slot was destroyed while this transaction waited for its turn.
          if (loss.error) throw loss.error;
          return new Promise((resolve, reject) => {
            abandon = () => reject(loss.error as Error);
            run(tx).then(resolve, reject);
          });
        }, options),
    },
    loss,
    destroy() {
      loss.recordLoss();
      abandon();
    },
  };
}

function openListener(
  client: PgliteClient,
  handlers: Readonly<Record<string, (payload: string) => void>>,
  onListening: () => void,
): Listener {
  let unlisten: (() => Promise<void>)[] | undefined;
  return {
    get listening() {
      return unlisten !== undefined;
    },
    // Never stable, so claims do not commit asynchronously: PGlite has no background process that would flush such commits later.
    isStable: false,
    // No connection can break, since notifications stay within the process. So there is nothing to check again.
    async listen() {
      if (unlisten) return;
      const channels = Object.entries(handlers).map(([channel, handler]) => client.listen(channel, handler));
      unlisten = await Promise.all(channels);
      onListening();
    },
    async close() {
      // `unlisten` rejects if the application has already closed PGlite.
      await Promise.all((unlisten ?? []).map((end) => end().catch(() => {})));
    },
  };
}
