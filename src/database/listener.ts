import { type Client, openClient } from "./client.js";

/** A connection of its own that hears notifications. */
export interface Listener {
  /**
   * Listens if it does not, and else makes sure that it still does: a connection that a network has silenced never says so.
   * To be called every so often.
   *
   * @throws the driver's error; a connection that is of no use has been thrown away then, and the next call makes a new one
   */
  listen(): Promise<void>;
  /** Whether it hears, as far as it knows. */
  readonly listening: boolean;
  /** Whether it hears, and was not cut off for a while: when PostgreSQL crashes, all connections are. */
  readonly calm: boolean;
  close(): Promise<void>;
}

const patienceMs = 5_000;
const calmAfterMs = 60_000;

/**
 * Opens a listener. The driver's own `listen` is not used: it watches nothing.
 *
 * @param hear by channel, who gets what is said on it
 * @param onListening called whenever it begins to listen, again too: what was said in between is lost
 * @param onServerGone called when the server does not answer, or has become read-only
 */
export function openListener(
  url: string,
  hear: Readonly<Record<string, (payload: string) => void>>,
  onListening: () => void,
  onServerGone?: () => void,
): Listener {
  // Where one listens already, this costs nothing, and a server that has become a standby refuses it: a heartbeat.
  const statement = Object.keys(hear)
    .map((channel) => `listen "${channel}"`)
    .join("; ");
  let listening = false;
  let cutOffAt = -Infinity;
  let closed = false;
  let client = open();

  function open(): Client {
    const opened: Client = openClient({
      url,
      connections: 1,
      route: "direct",
      use: "statements",
      patienceMs,
      onBroken: replace,
      onnotify: (channel, payload) => opened === client && hear[channel]?.(payload),
      onclose: () => {
        if (opened === client) cutOff();
      },
    });
    return opened;
  }

  function cutOff(): void {
    listening = false;
    cutOffAt = performance.now();
  }

  function replace(broken: Client, serverIsGone: boolean): void {
    if (client !== broken || closed) return;
    cutOff();
    client = open();
    void broken.sql.end({ timeout: 0 });
    if (serverIsGone) onServerGone?.();
  }

  return {
    get listening() {
      return listening;
    },
    get calm() {
      return listening && performance.now() - cutOffAt > calmAfterMs;
    },
    async listen() {
      await client.sql.unsafe(statement);
      if (listening || closed) return;
      listening = true;
      onListening();
    },
    close() {
      closed = true;
      return client.sql.end({ timeout: 0 });
    },
  };
}
