import postgres, { type Options, type Sql } from "postgres";
import { parseConnectionString } from "./connection-url.js";
import { type WatchedReplies, watchReplies } from "./watch-replies.js";

/**
 * How PostgreSQL is reached: `direct`, or `pooled`, through a pooler that assigns a connection per transaction. On a pooled route,
 * sessions cannot set parameters, and LISTEN does not work.
 */
export type Route = "direct" | "pooled";

/** The `application_name` of the connections of workers and commands, as `pg_stat_activity` shows it. */
export const applicationName = "soniq-drizzle";

/** A statement that waits longer for a row's lock fails, so that it does not block the statements behind it. */
const lockTimeoutMs = 200;
/** How long a statement of the engine may take. */
export const statementTimeoutMs = 20_000;
const maxReconnectDelayMs = 2_000;

/** Computes the delay before the next connection attempt, with jitter, after this many consecutive failures. */
export function computeReconnectDelayMs(failures: number): number {
  return Math.min(maxReconnectDelayMs, 50 * 2 ** failures) * (0.5 + Math.random() / 2);
}

/**
 * Each statement of the engine has one good plan: an index scan with nested loops. So each connection plans a statement only once, which
 * saves half the cost of a single claim, and all other plans are disabled: from the statistics of an empty table, the planner would
 * choose a plan that becomes slow in a burst of jobs.
 */
const plannerSettings = {
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_sort: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  enable_material: "off",
  // Before PostgreSQL 18, a disabled plan node that cannot be avoided gets such a high cost that JIT compilation would start.
  jit: "off",
} as const;

const sessionParameters = {
  // A role or database may have other defaults, and a text that one session writes must be readable in every other.
  DateStyle: "ISO",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  default_transaction_isolation: "read committed",
  lock_timeout: lockTimeoutMs,
  statement_timeout: statementTimeoutMs,
  idle_in_transaction_session_timeout: statementTimeoutMs,
  ...plannerSettings,
} as const;

/**
 * Callbacks for the events of a client's connections. postgres.js passes `onnotify` to each connection, but its types omit the
 * option.
 */
interface ListeningOptions {
  readonly onnotify?: (channel: string, payload: string) => void;
  readonly onclose?: () => void;
}

/** The options of a client. */
export interface ClientInput extends ListeningOptions {
  readonly url: string;
  readonly connections: number;
  readonly route: Route;
  /** `statements`: single statements, several at a time; `transactions`: one transaction after the other. */
  readonly use: "statements" | "transactions";
  /** A statement without a reply after this time fails, and its client counts as broken. */
  readonly replyTimeoutMs: number;
  /** How long the first statements are held back before they are sent. Default: not at all. */
  readonly holdMs?: number;
  /**
   * Called when the connections are unusable, although the driver keeps them; `isServerGone`: those of other clients are
   * unusable, too.
   */
  readonly onBroken: (client: Client, isServerGone: boolean) => void;
}

export interface Client extends WatchedReplies {
  readonly sql: Sql;
  /** Closes the client. Statements in flight have a few seconds to finish. */
  retire(): void;
}

/**
 * Settings that the drivers would otherwise choose, or take from environment variables. Connections stay open until they break: by
 * default, postgres.js closes each one after 30 to 60 minutes, including the listener's. TCP sends a keepalive after a minute.
 */
export const driverSettings = {
  max_lifetime: null,
  idle_timeout: 0,
  keep_alive: 60,
  connect_timeout: 10,
  // `target_session_attrs` is missing here on purpose: the connection string decides which hosts are tried, and whether one
  // must be writable.
} as const;
const retireTimeoutSeconds = 5;

/**
 * Opens a client for the engine's statements, at READ COMMITTED. On a direct route, statements are prepared and planned once. The
 * client connects when it sends its first statement.
 */
export function openClient(input: ClientInput): Client {
  const { url, connections, route, use, replyTimeoutMs, holdMs = 0, onBroken, ...listening } = input;
  const target = parseConnectionString(url);
  const options: Options<Record<string, never>> & ListeningOptions = {
    ...target.options,
    max: connections,
    prepare: route === "direct",
    fetch_types: false,
    ...driverSettings,
    backoff: (tries: number) => computeReconnectDelayMs(tries) / 1_000,
    onnotice: () => {},
    connection: { application_name: applicationName, ...(route === "direct" && sessionParameters) },
    // No pipelining: if two statements are sent together, PgBouncer 1.18 reassigns the connection after the first, and the second
    // never gets a reply. With 0, only one statement is in flight, but postgres.js cannot begin a transaction.
    ...(route === "pooled" && use === "statements" && { max_pipeline: 0 }),
    ...listening,
  };
  const sql = postgres(target.url, options);
  const replies = watchReplies(sql, replyTimeoutMs, holdMs, (isServerGone) => onBroken(client, isServerGone));
  if (route === "direct") prepareAll(sql);
  const client: Client = {
    sql,
    retire() {
      replies.retire();
      void sql.end({ timeout: retireTimeoutSeconds });
    },
  };
  return client;
}

/**
 * Prepares every statement. Drizzle prepares named statements only, and postgres.js needs an extra round trip for any other.
 */
function prepareAll(client: Sql): void {
  const send = client.unsafe.bind(client);
  const sendPrepared: Sql["unsafe"] = (text, parameters, options) =>
    send(text, parameters, { ...options, prepare: true });
  Object.assign(client, { unsafe: sendPrepared });
}
