import { type Client, openClient } from "./client.js";

/** A dedicated connection that receives notifications. */
export interface Listener {
  /**
   * Starts to listen, or verifies that the listener still does: a connection that the network has silently cut reports no error.
   * Call it regularly.
   *
   * @throws the driver's error; an unusable connection has been discarded then, and the next call opens a new one
   */
  listen(): Promise<void>;
  /** Whether it listens. After a silent network failure this stays true until the next call of `listen`. */
  readonly listening: boolean;
  /** Whether it listens and has not been disconnected recently: a crash of PostgreSQL disconnects all clients. */
  readonly isStable: boolean;
  close(): Promise<void>;
}

/** By channel, a function that receives the payload of each notification. */
type Handlers = Readonly<Record<string, (payload: string) => void>>;

const replyTimeoutMs = 5_000;
const stableAfterMs = 60_000;

/**
 * Opens a listener. It does not use the driver's own `listen`, which detects no lost connection.
 *
 * @param handlers by channel, called with the payload of each notification
 * @param onListening called whenever the listener starts, also after a break, since notifications sent during the break are lost
 * @param onServerGone called when the server does not answer, or has become read-only
 */
export function openListener(
  url: string,
  handlers: Handlers,
  onListening: () => void,
  onServerGone?: () => void,
): Listener {
  return new PostgresListener(url, handlers, onListening, onServerGone);
}

class PostgresListener implements Listener {
  listening = false;
  readonly #statement: string;
  #client: Client;
  #disconnectedAt = -Infinity;
  #isClosed = false;

  constructor(
    private readonly url: string,
    private readonly handlers: Handlers,
    private readonly onListening: () => void,
    private readonly onServerGone?: () => void,
  ) {
    // LISTEN also serves as a heartbeat: repeating it costs nothing, and a server that has become a standby refuses it.
    this.#statement = Object.keys(handlers)
      .map((channel) => `listen "${channel}"`)
      .join("; ");
    this.#client = this.#open();
  }

  get isStable(): boolean {
    return this.listening && performance.now() - this.#disconnectedAt > stableAfterMs;
  }

  async listen(): Promise<void> {
    await this.#client.sql.unsafe(this.#statement);
    if (this.listening || this.#isClosed) return;
    this.listening = true;
    this.onListening();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#client.sql.end({ timeout: 0 });
  }

  #open(): Client {
    const client: Client = openClient({
      url: this.url,
      connections: 1,
      route: "direct",
      use: "statements",
      replyTimeoutMs,
      onBroken: (broken, isServerGone) => this.#replace(broken, isServerGone),
      onnotify: (channel, payload) => {
        if (client === this.#client) this.handlers[channel]?.(payload);
      },
      onclose: () => {
        if (client === this.#client) this.#recordDisconnect();
      },
    });
    return client;
  }

  #replace(broken: Client, isServerGone: boolean): void {
    if (broken !== this.#client || this.#isClosed) return;
    this.#recordDisconnect();
    this.#client = this.#open();
    void broken.sql.end({ timeout: 0 });
    if (isServerGone) this.onServerGone?.();
  }

  #recordDisconnect(): void {
    this.listening = false;
    this.#disconnectedAt = performance.now();
  }
}
