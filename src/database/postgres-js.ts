import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { type Body, guardBody } from "../core/postgres-js-guard.js";
import type { Queryable } from "../core/queryable.js";
import { applicationName, driverSettings } from "./client.js";
import { parseConnectionString } from "./connection-url.js";
import { registerArrayTypes } from "./postgres-js-arrays.js";
import {
  ConnectionLoss,
  idleConnectionMs,
  type Transactional,
  type TransactionDriver,
  type TransactionSlot,
} from "./transaction-slot.js";

/**
 * Makes the transactions of handlers use postgres.js and the application's own Drizzle. Pass the result in the configuration as
 * `database`.
 *
 * @param open opens Drizzle on a client that the worker creates, as in `(client) => drizzle({ client, schema })`; called once for each
 *   connection
 */
export function postgresJs<Tx>(open: (client: Sql) => Transactional<Tx>): TransactionDriver<Tx> {
  return { openSlot: (url, idleTimeoutMs) => openSlot(url, idleTimeoutMs, open) };
}

/** Drizzle without an application's schema. */
export const plainPostgresJs = postgresJs<Queryable>((client) => drizzle({ client }));

/** Opens a guarded client of one connection, for transactions through the application's Drizzle. */
function openSlot<Tx>(
  url: string,
  idleTimeoutMs: number,
  open: (client: Sql) => Transactional<Tx>,
): TransactionSlot<Tx> {
  const loss = new ConnectionLoss(idleTimeoutMs);
  const { url: address, options } = parseConnectionString(url);
  const client = postgres(address, {
    ...options,
    max: 1,
    prepare: false,
    fetch_types: false,
    ...driverSettings,
    idle_timeout: idleConnectionMs / 1_000,
    onnotice: () => {},
    onclose: () => loss.recordLoss(),
    connection: { application_name: applicationName },
  });
  let arrays: Promise<void> | undefined;
  const guardedClient = new Proxy(client, {
    get(target, key) {
      if (key !== "begin") return Reflect.get(target, key) as unknown;
      return async (...args: [...unknown[], Body]) => {
        await (arrays ??= registerArrayTypes(client));
        const body = args.pop() as Body;
        return (target.begin as (...all: unknown[]) => unknown)(...args, guardBody(body, loss));
      };
    },
  });
  return {
    db: open(guardedClient),
    loss,
    destroy() {
      loss.recordLoss();
      void client.end({ timeout: 0 });
    },
  };
}
