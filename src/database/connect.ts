import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import type { Queryable } from "../core/queryable.js";
import { watchReplies } from "./watch-replies.js";

/** A connection of its own, or a few, to PostgreSQL. */
export interface Connection {
  readonly db: Queryable;
  /** Calls back for each notification, and whenever listening begins anew: what was sent in between is lost. */
  listen(channel: string, onNotify: (payload: string) => void, onListening: () => void): Promise<void>;
  close(): Promise<void>;
}

/** A row that someone holds makes a statement fail after this time, so that others are not held up with it. */
const lockTimeoutMs = 200;
/** The longest that one of the engine's statements may take. */
export const statementTimeoutMs = 20_000;
const longestReconnectSeconds = 2;

/**
 * Opens connections for the engine's own statements: single ones, at READ COMMITTED, never prepared, since a plan cached
 * while the table was empty would be kept through a burst.
 *
 * @param url PostgreSQL's connection string
 * @param connections how many at the most
 * @param patienceMs when to give a statement up whose reply does not come: its connections are thrown away then, since a
 *   network that swallows packets never says so
 */
export function connect(url: string, connections: number, patienceMs = statementTimeoutMs + 5_000): Connection {
  let client = open();
  let db = drizzle({ client }) as Queryable;

  function open(): Sql {
    const opened = postgres(url, {
      max: connections,
      prepare: false,
      fetch_types: false,
      connect_timeout: 10,
      backoff: (tries: number) => Math.min(longestReconnectSeconds, 0.05 * 2 ** tries) * (0.5 + Math.random() / 2),
      onnotice: () => {},
      connection: {
        application_name: "soniq-drizzle",
        default_transaction_isolation: "read committed",
        lock_timeout: lockTimeoutMs,
        statement_timeout: statementTimeoutMs,
        idle_in_transaction_session_timeout: statementTimeoutMs,
      },
    });
    watchReplies(opened, patienceMs, () => replace(opened));
    return opened;
  }

  function replace(silent: Sql): void {
    if (client === silent) {
      client = open();
      db = drizzle({ client }) as Queryable;
    }
    void silent.end({ timeout: 0 });
  }

  return {
    db: new Proxy({} as Queryable, {
      get: (_, key) => {
        const value: unknown = Reflect.get(db, key);
        return typeof value === "function" ? (value.bind(db) as unknown) : value;
      },
      has: (_, key) => Reflect.has(db, key),
    }),
    async listen(channel, onNotify, onListening) {
      await client.listen(channel, onNotify, onListening);
    },
    close: () => client.end({ timeout: 2 }),
  };
}

/** Whose database it is, for people to read: the password is hidden. */
export function describeUrl(url: string): string {
  try {
    const { protocol, username, host, pathname, search, hash } = new URL(url);
    // An @ behind the host is the end of a password that should have been percent-encoded.
    if (`${pathname}${search}${hash}`.includes("@")) return "an unreadable connection string";
    return `${protocol}//${username ? `${username}@` : ""}${host}${pathname}`;
  } catch {
    return "an unreadable connection string";
  }
}
