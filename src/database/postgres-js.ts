import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { type Body, guardBody } from "../core/postgres-js-guard.js";
import type { Queryable } from "../core/queryable.js";
import { applicationName, driverSettings } from "./client.js";
import { connectionTarget } from "./connection-url.js";
import { learnArrays } from "./postgres-js-arrays.js";
import {
  ConnectionLoss,
  idleConnectionMs,
  type Transactional,
  type TransactionDriver,
  type TransactionSlot,
} from "./transaction-slot.js";

/**
 * Has the transactions of handlers use postgres.js and the application's own Drizzle: goes into the configuration as `database`.
 *
 * @param open opens Drizzle over a client of ours, as in `(client) => drizzle({ client, schema })`; called for each connection
 *   that is opened
 */
export function postgresJs<Tx>(open: (client: Sql) => Transactional<Tx>): TransactionDriver<Tx> {
  return { openSlot: (url, idleMs) => openSlot(url, idleMs, open) };
}

/** Drizzle without an application's schema. */
export const plainPostgresJs = postgresJs<Queryable>((client) => drizzle({ client }));

/** A client of one connection, guarded, for transactions through the application's Drizzle. */
function openSlot<Tx>(url: string, idleMs: number, open: (client: Sql) => Transactional<Tx>): TransactionSlot<Tx> {
  const loss = new ConnectionLoss(idleMs);
  const { url: address, options } = connectionTarget(url);
  const client = postgres(address, {
    ...options,
    max: 1,
    prepare: false,
    fetch_types: false,
    ...driverSettings,
    idle_timeout: idleConnectionMs / 1_000,
    onnotice: () => {},
    onclose: () => loss.lose(),
    connection: { application_name: applicationName },
  });
  let arrays: Promise<void> | undefined;
  const guarded = new Proxy(client, {
    get(target, key) {
      if (key !== "begin") return Reflect.get(target, key) as unknown;
      return async (...args: [...unknown[], Body]) => {
        await (arrays ??= learnArrays(client));
        const body = args.pop() as Body;
        return (target.begin as (...all: unknown[]) => unknown)(...args, guardBody(body, loss));
      };
    },
  });
  return {
    db: open(guarded),
    loss,
    destroy() {
      loss.lose();
      void client.end({ timeout: 0 });
    },
  };
}
