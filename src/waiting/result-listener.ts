import { ConfigError } from "../core/errors.js";
import { type Listener, openListener } from "../database/listener.js";
import type { PgliteConnection } from "../database/pglite-connection.js";
import { finishedChannel } from "../sessions/doorbell.js";

/** Hears from workers which jobs have finished, for {@link waitFor}. Made by {@link createResultListener}, one per process. */
export interface ResultListener {
  /** Whether it hears, as far as it knows. */
  readonly listening: boolean;
  /** Listens, or makes sure that it still does. What keeps it from that, nobody is told: whoever waits polls as well. */
  listen(): void;
  /**
   * @param wake called when that job has finished, and whenever it begins to listen
   * @returns ends that
   */
  watch(id: number, wake: () => void): () => void;
  /** Ends its connection. */
  close(): Promise<void>;
}

/**
 * Lets `waitFor` learn at once that a job has finished, not by polling alone. It opens one connection of its own, with the
 * first wait, and keeps it until it is closed.
 *
 * @param connection PostgreSQL's connection string, past any pooler; or `pglite(db)` of `soniq-drizzle/pglite`
 * @throws ConfigError if there is none
 */
export function createResultListener(connection: string | undefined | PgliteConnection): ResultListener {
  if (!connection)
    throw new ConfigError(
      "createResultListener: its connection is not set: give PostgreSQL's connection string. Is DATABASE_URL defined?",
    );
  const waits = new Map<number, Set<() => void>>();
  const wake = (id: number) => waits.get(id)?.forEach((one) => one());
  const hear = { [finishedChannel]: (ids: string) => ids.split(",").map(Number).forEach(wake) };
  const wakeAll = () => [...waits.keys()].forEach(wake);
  const listener: Listener =
    typeof connection === "string" ? openListener(connection, hear, wakeAll) : connection.openListener(hear, wakeAll);
  let underWay: Promise<void> | undefined;
  return {
    get listening() {
      return listener.listening;
    },
    listen() {
      underWay ??= listener
        .listen()
        .catch(() => {})
        .finally(() => (underWay = undefined));
    },
    watch(id, one) {
      const ones = waits.get(id) ?? new Set();
      waits.set(id, ones.add(one));
      return () => {
        ones.delete(one);
        if (ones.size === 0 && waits.get(id) === ones) waits.delete(id);
      };
    },
    close: () => listener.close(),
  };
}
