import { drizzle } from "drizzle-orm/postgres-js";
import type { Queryable } from "../core/queryable.js";
import { type Client, type ClientInput, openClient, reconnectMs, statementTimeoutMs } from "./client.js";

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

/** A client that breaks sooner is replaced with backoff, and one that was opened just now is not renewed. */
const shortLifeMs = 1_000;

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
  /** Clients in a row that broke as soon as they were opened. */
  let shortLives = 0;
  let client = open(0);
  let db = drizzle({ client: client.sql }) as Queryable;

  function open(heldMs: number): Client {
    openedAt = performance.now() + heldMs;
    const onBroken = (broken: Client, serverIsGone: boolean) => {
      if (closed || client !== broken) return;
      const isShortLived = performance.now() - openedAt < shortLifeMs;
      // The next one would lead to the same server.
      if (isShortLived && serverIsGone) return;
      shortLives = isShortLived ? shortLives + 1 : 0;
      replace(isShortLived ? reconnectMs(shortLives) : 0);
      if (serverIsGone) onServerGone?.();
    };
    return openClient({ url, connections, route, use, patienceMs, heldMs, onBroken });
  }

  function replace(heldMs: number): void {
    const retired = client;
    client = open(heldMs);
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
    renew() {
      if (!closed && performance.now() - openedAt >= shortLifeMs) replace(0);
    },
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
