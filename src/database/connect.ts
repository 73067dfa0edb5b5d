import { drizzle } from "drizzle-orm/postgres-js";
import type { Queryable } from "../core/queryable.js";
import { type Client, type ClientInput, computeReconnectDelayMs, openClient, statementTimeoutMs } from "./client.js";

/** One or more connections to PostgreSQL, for the engine's own statements. */
export interface Connection {
  readonly db: Queryable;
  /**
   * Replaces the connections, because the current ones may be dead: PostgreSQL was down, or another server took its place. A statement
   * in flight fails if it gets no reply within 5 s after it was sent.
   */
  renew(): void;
  close(): Promise<void>;
}

/** A client that breaks sooner is replaced with backoff, and a client that is younger is not renewed. */
const minClientLifeMs = 1_000;

/**
 * Opens connections for the engine's own statements. The driver reopens a connection that breaks. If no error reports the break, because
 * the network drops packets or the server has become read-only, the client is replaced with all its connections.
 *
 * @param url PostgreSQL's connection string
 * @param connections the maximum number of connections
 * @param options `route`: the result of `findRoute`, by default `direct`; `use`: by default `statements`; `replyTimeoutMs`: when a
 *   statement without a reply fails, by default a little later than PostgreSQL's own timeout; `onServerGone`: called when the server
 *   does not answer, or has become read-only
 */
export function connect(
  url: string,
  connections: number,
  options: Partial<Pick<ClientInput, "route" | "use" | "replyTimeoutMs">> & { readonly onServerGone?: () => void } = {},
): Connection {
  const { route = "direct", use = "statements", replyTimeoutMs = statementTimeoutMs + 5_000, onServerGone } = options;
  const client = new ReplaceableClient({ url, connections, route, use, replyTimeoutMs }, onServerGone);
  return {
    db: new Proxy({} as Queryable, {
      get: (_, key) => {
        const { db } = client;
        const value: unknown = Reflect.get(db, key);
        return typeof value === "function" ? (value.bind(db) as unknown) : value;
      },
      has: (_, key) => Reflect.has(client.db, key),
    }),
    renew: () => client.renew(),
    close: () => client.close(),
  };
}

/** The current client, and its Drizzle. A broken client is replaced. */
class ReplaceableClient {
  db: Queryable;
  #client: Client;
  #openedAt = 0;
  #isClosed = false;
  /** How many clients in a row broke right after they were opened. */
  #earlyBreaks = 0;

  constructor(
    private readonly input: Omit<ClientInput, "holdMs" | "onBroken">,
    private readonly onServerGone: (() => void) | undefined,
  ) {
    this.#client = this.#open(0);
    this.db = drizzle({ client: this.#client.sql }) as Queryable;
  }

  renew(): void {
    if (!this.#isClosed && performance.now() - this.#openedAt >= minClientLifeMs) this.#replace(0);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#client.sql.end({ timeout: 2 });
  }

  #open(holdMs: number): Client {
    this.#openedAt = performance.now() + holdMs;
    const onBroken = (broken: Client, isServerGone: boolean) => this.#handleBreak(broken, isServerGone);
    return openClient({ ...this.input, holdMs, onBroken });
  }

  #handleBreak(broken: Client, isServerGone: boolean): void {
    if (this.#isClosed || broken !== this.#client) return;
    const brokeEarly = performance.now() - this.#openedAt < minClientLifeMs;
    // A new client would connect to the same server.
    if (brokeEarly && isServerGone) return;
    this.#earlyBreaks = brokeEarly ? this.#earlyBreaks + 1 : 0;
    this.#replace(brokeEarly ? computeReconnectDelayMs(this.#earlyBreaks) : 0);
    if (isServerGone) this.onServerGone?.();
  }

  #replace(holdMs: number): void {
    const retired = this.#client;
    this.#client = this.#open(holdMs);
    this.db = drizzle({ client: this.#client.sql }) as Queryable;
    retired.retire();
  }
}

/** Whether a URL contains an @ after its host. It then belongs to a password that should have been percent-encoded. */
export function hasUnencodedAt(url: string): boolean {
  const { pathname, search, hash } = new URL(url);
  return `${pathname}${search}${hash}`.includes("@");
}

/** Describes a connection string for messages: account, host and database, without the password. */
export function describeUrl(url: string): string {
  try {
    const { protocol, username, host, pathname } = new URL(url);
    if (hasUnencodedAt(url)) return "an unreadable connection string";
    return `${protocol}//${username ? `${username}@` : ""}${host}${pathname}`;
  } catch {
    return "an unreadable connection string";
  }
}
