import { drizzle } from "drizzle-orm/postgres-js";
import type { Queryable } from "../core/queryable.js";
import { type Client, type ClientInput, openClient, statementTimeoutMs } from "./client.js";

/** A connection of its own, or a few, to PostgreSQL. */
export interface Connection {
  readonly db: Queryable;
  /**
   * Makes its connections anew, since those there are may lead nowhere: PostgreSQL was away, or another server took its place. A
   * statement that has been unanswered for 5 s is given up then.
   */
  renew(): void;
  close(): Promise<void>;
}

/** A client that was opened just now is kept, broken or not: connections are not made without end. */
const shortestLifeMs = 1_000;

/**
 * Opens connections for the engine's own statements. One that breaks is made anew; where that goes unsaid, by a network that
 * swallows packets or a server that has become read-only, the client is thrown away with all its connections.
 *
 * @param url PostgreSQL's connection string
 * @param connections how many at the most
 * @param options `route`: what `findRoute` has found, by default `direct`; `use`: by default `statements`; `patienceMs`: when to give a statement up whose
 *   reply does not come, by default somewhat later than PostgreSQL itself would; `onServerGone`: called when the server that it
 *   was connected to does not answer, or has become read-only
 */
export function connect(
  url: string,
  connections: number,
  options: Partial<Pick<ClientInput, "route" | "use" | "patienceMs">> & { readonly onServerGone?: () => void } = {},
): Connection {
  const { route = "direct", use = "statements", patienceMs = statementTimeoutMs + 5_000, onServerGone } = options;
  let openedAt = 0;
  let closed = false;
  let client = open();
  let db = drizzle({ client: client.sql }) as Queryable;

  function open(): Client {
    openedAt = performance.now();
    const onBroken = (broken: Client, serverIsGone: boolean) => {
      if (client !== broken) return;
      renew();
      if (serverIsGone) onServerGone?.();
    };
    return openClient({ url, connections, route, use, patienceMs, onBroken });
  }

  function renew(): void {
    if (closed || performance.now() - openedAt < shortestLifeMs) return;
    const retired = client;
    client = open();
    db = drizzle({ client: client.sql }) as Queryable;
    retired.retire();
  }

  return {
    db: new Proxy({} as Queryable, {
      get: (_, key) => {
        const value: unknown = Reflect.get(db, key);
        return typeof value === "function" ? (value.bind(db) as unknown) : value;
      },
      has: (_, key) => Reflect.has(db, key),
    }),
    renew,
    close() {
      closed = true;
      return client.sql.end({ timeout: 2 });
    },
  };
}

/** Whether an @ stands behind a URL's host: the end of a password that should have been percent-encoded. */
export function hasStrayAt(url: string): boolean {
  const { pathname, search, hash } = new URL(url);
  return `${pathname}${search}${hash}`.includes("@");
}

/** Whose database it is, for people to read: the password is hidden. */
export function describeUrl(url: string): string {
  try {
    const { protocol, username, host, pathname } = new URL(url);
    if (hasStrayAt(url)) return "an unreadable connection string";
    return `${protocol}//${username ? `${username}@` : ""}${host}${pathname}`;
  } catch {
    return "an unreadable connection string";
  }
}
