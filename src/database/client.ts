import postgres, { type Options, type Sql } from "postgres";
import { connectionTarget } from "./connection-url.js";
import { watchReplies, type WatchedReplies } from "./watch-replies.js";

/**
 * How PostgreSQL is reached: `direct`, or `pooled`: through a pooler that hands its connections from one transaction to the
 * next one, so that sessions have no parameters of their own, and nobody can listen.
 */
export type Route = "direct" | "pooled";

/** What PostgreSQL lists the connections of workers and commands as. */
export const applicationName = "soniq-drizzle";

/** A row that someone holds makes a statement fail after this time, so that others are not held up with it. */
const lockTimeoutMs = 200;
/** The longest that one of the engine's statements may take. */
export const statementTimeoutMs = 20_000;
const maxReconnectMs = 2_000;

/** How long to wait before a connection is opened again, after so many failures in a row. */
export function reconnectMs(failures: number): number {
  return Math.min(maxReconnectMs, 50 * 2 ** failures) * (0.5 + Math.random() / 2);
}

/**
 * Each statement of the engine has one good way to its rows: by an index, row by row. So it is planned once for each
 * connection, which is half of what a single claim costs, and the planner is left no other way: by statistics of a table
 * that was empty, it would choose one that a burst makes slow.
 */
const knownWays = {
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_sort: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  enable_material: "off",
  // Before PostgreSQL 18 what is off costs so much that it would be compiled where it is needed all the same.
  jit: "off",
} as const;

const sessionParameters = {
  // A role or database may have others, and what a session writes as text would have to be read with the same.
  DateStyle: "ISO",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  default_transaction_isolation: "read committed",
  lock_timeout: lockTimeoutMs,
  statement_timeout: statementTimeoutMs,
  idle_in_transaction_session_timeout: statementTimeoutMs,
  ...knownWays,
} as const;

/** What is told of a client's connections. postgres.js hands `onnotify` to each, and its types leave it out. */
interface Listening {
  readonly onnotify?: (channel: string, payload: string) => void;
  readonly onclose?: () => void;
}

/** A client whose statements are answered in time, and how it is opened. */
export interface ClientInput extends Listening {
  readonly url: string;
  readonly connections: number;
  readonly route: Route;
  /** Single statements, at the same time; or transactions, one after the other. */
  readonly use: "statements" | "transactions";
  readonly patienceMs: number;
  /** How long its first statements are held back: by default not at all. */
  readonly heldMs?: number;
  /** Its connections are of no use any more, although the driver keeps them; `serverIsGone`: nor are those of other clients. */
  readonly onBroken: (client: Client, serverIsGone: boolean) => void;
}

export interface Client extends WatchedReplies {
  readonly sql: Sql;
  /** Closes it. What is under way has a few seconds to end. */
  retire(): void;
}

/**
 * What the drivers would decide by themselves, or by variables of the environment. Connections last until they break: the driver
 * would close each after half an hour to an hour, also the one that listens. TCP asks after a minute whether a peer is there.
 */
export const driverSettings = {
  max_lifetime: null,
  idle_timeout: 0,
  keep_alive: 60,
  connect_timeout: 10,
  // Which hosts are tried, and which of them may be written to, the connection string says: `target_session_attrs`.
} as const;
const retiredSeconds = 5;

/**
 * Opens a client of the engine's, at READ COMMITTED. On a direct route its statements are prepared, and planned
 * once. It connects with its first statement.
 */
export function openClient(input: ClientInput): Client {
  const { url, connections, route, use, patienceMs, heldMs = 0, onBroken, ...listening } = input;
  const target = connectionTarget(url);
  const options: Options<Record<string, never>> & Listening = {
    ...target.options,
    max: connections,
    prepare: route === "direct",
    fetch_types: false,
    ...driverSettings,
    backoff: (tries: number) => reconnectMs(tries) / 1_000,
    onnotice: () => {},
    connection: { application_name: applicationName, ...(route === "direct" && sessionParameters) },
    // PgBouncer 1.18 gives the connection away after the first of two statements that were sent together: the second one's
    // reply never comes. 0 is none at a time beside the one under way; then postgres.js cannot begin a transaction, though.
    ...(route === "pooled" && use === "statements" && { max_pipeline: 0 }),
    ...listening,
  };
  const sql = postgres(target.url, options);
  const replies = watchReplies(sql, patienceMs, heldMs, (serverIsGone) => onBroken(client, serverIsGone));
  if (route === "direct") prepareAll(sql);
  const client: Client = {
    sql,
    retire() {
      replies.retire();
      void sql.end({ timeout: retiredSeconds });
    },
  };
  return client;
}

/** Drizzle has a statement prepared if it is named only; postgres.js spends a round trip more on each of the others. */
function prepareAll(client: Sql): void {
  const send = client.unsafe.bind(client);
  const prepared: Sql["unsafe"] = (text, parameters, options) => send(text, parameters, { ...options, prepare: true });
  Object.assign(client, { unsafe: prepared });
}
