import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import type { Queryable } from "../core/queryable.js";

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
 */
export function connect(url: string, connections: number): Connection {
  const client = postgres(url, {
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
  return {
    db: drizzle({ client }) as Queryable,
    async listen(channel, onNotify, onListening) {
      await client.listen(channel, onNotify, onListening);
    },
    close: () => client.end({ timeout: 2 }),
  };
}

/** Whose database it is, for people to read: the password is hidden. */
export function describeUrl(url: string): string {
  try {
    const { protocol, username, host, pathname } = new URL(url);
    return `${protocol}//${username ? `${username}@` : ""}${host}${pathname}`;
  } catch {
    return "an unreadable connection string";
  }
}
