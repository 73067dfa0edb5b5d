import type { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import type { Queryable } from "../core/queryable.js";
import type { Listener } from "./listener.js";
import type { PgliteConnection } from "./pglite-connection.js";
import { ConnectionLoss, type Transactional, type TransactionSlot } from "./transaction-slot.js";

/** What we need of a PGlite, told by its shape: another copy or version of it sees other classes. */
interface PgliteClient {
  readonly dataDir?: string | undefined;
  listen(channel: string, hear: (payload: string) => void): Promise<() => Promise<void>>;
}

/**
 * Has a worker use the application's PGlite: goes into the configuration as `connection`, and needs no `database` beside it.
 * The worker shares its one session with the application, and leaves it open when it stops.
 *
 * @param db the application's Drizzle over PGlite: handlers have its transactions. What the worker says for itself goes past
 *   it, so that its logger does not log that
 */
export function pglite<Tx>(db: Transactional<Tx> & { readonly $client: PgliteClient }): PgliteConnection<Tx> {
  const client = db.$client;
  const { dataDir = "" } = client;
  return {
    place: /^(memory:.*)?$/.test(dataDir) ? "memory" : dataDir,
    db: drizzle({ client: client as unknown as PGlite }) as Queryable,
    openSlot: () => openSlot(db),
    openListener: (hear, onListening) => openListener(client, hear, onListening),
  };
}

/**
 * PGlite waits for a transaction's body, however long that takes, and everything else waits with it: a body that does not
 * end is left behind, and its transaction rolled back. What it says later, PGlite refuses.
 */
function openSlot<Tx>(db: Transactional<Tx>): TransactionSlot<Tx> {
  const loss = new ConnectionLoss(Infinity);
  let leaveBehind = () => {};
  return {
    db: {
      transaction: (run, options) =>
        db.transaction(async (tx) => {
          // It was given up while it waited for its turn.
          if (loss.error) throw loss.error;
          return new Promise((resolve, reject) => {
            leaveBehind = () => reject(loss.error as Error);
            run(tx).then(resolve, reject);
          });
        }, options),
    },
    loss,
    destroy() {
      loss.lose();
      leaveBehind();
    },
  };
}

function openListener(
  client: PgliteClient,
  hear: Readonly<Record<string, (payload: string) => void>>,
  onListening: () => void,
): Listener {
  let unlisten: (() => Promise<void>)[] | undefined;
  return {
    get listening() {
      return unlisten !== undefined;
    },
    // Nothing brings to disk later what was answered before: there is no process beside this one.
    calm: false,
    // Nothing can come between: it says what it hears within the process.
    async listen() {
      if (unlisten) return;
      const channels = Object.entries(hear).map(([channel, heard]) => client.listen(channel, heard));
      unlisten = await Promise.all(channels);
      onListening();
    },
    async close() {
      // A PGlite that was closed before hears nothing any more.
      await Promise.all((unlisten ?? []).map((end) => end().catch(() => {})));
    },
  };
}
