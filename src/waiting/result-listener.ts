import { ConfigError } from "../core/errors.js";
import { type Listener, openListener } from "../database/listener.js";
import type { PgliteConnection } from "../database/pglite-connection.js";
import { finishedChannel } from "../sessions/doorbell.js";

/**
 * Receives notifications about finished jobs, for {@link waitFor}. Create one per process with {@link createResultListener}.
 */
export interface ResultListener {
  /** Whether it listens. After a silent network failure this stays true until the next call of `listen`. */
  readonly listening: boolean;
  /** Starts to listen, or verifies that the listener still does. It reports no errors, because every wait also polls. */
  listen(): void;
  /**
   * Watches a job.
   *
   * @param id the job's id
   * @param wake called when the job has finished, and whenever the listener starts
   * @returns a function that stops watching
   */
  watch(id: number, wake: () => void): () => void;
  /** Closes the connection. */
  close(): Promise<void>;
}

/**
 * Creates a listener that informs `waitFor` immediately when a job finishes, in addition to polling. It opens a dedicated connection at
 * the first wait, and keeps it until it is closed.
 *
 * @param connection PostgreSQL's connection string, not through a pooler; or `pglite(db)` of `soniq-drizzle/pglite`
 * @throws ConfigError if the connection is undefined or empty
 */
export function createResultListener(connection: string | undefined | PgliteConnection): ResultListener {
  if (!connection)
    throw new ConfigError(
      "createResultListener: the connection is not set: give PostgreSQL's connection string. Is DATABASE_URL defined?",
    );
  const callbacksById = new Map<number, Set<() => void>>();
  const wake = (id: number) => callbacksById.get(id)?.forEach((callback) => callback());
  const handlers = { [finishedChannel]: (ids: string) => ids.split(",").map(Number).forEach(wake) };
  const wakeAll = () => [...callbacksById.keys()].forEach(wake);
  const listener: Listener =
    typeof connection === "string"
      ? openListener(connection, handlers, wakeAll)
      : connection.openListener(handlers, wakeAll);
  let pendingListen: Promise<void> | undefined;
  return {
    get listening() {
      return listener.listening;
    },
    listen() {
      pendingListen ??= listener
        .listen()
        .catch(() => {})
        .finally(() => (pendingListen = undefined));
    },
    watch(id, callback) {
      const callbacks = callbacksById.get(id) ?? new Set();
      callbacksById.set(id, callbacks.add(callback));
      return () => {
        callbacks.delete(callback);
        if (callbacks.size === 0 && callbacksById.get(id) === callbacks) callbacksById.delete(id);
      };
    },
    close: () => listener.close(),
  };
}
