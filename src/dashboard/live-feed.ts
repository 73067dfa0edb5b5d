import { setTimeout as sleep } from "node:timers/promises";

const maxViewers = 50;
/** The viewer's rights are checked again after this many events, about a minute: the user may have logged out. */
const eventsPerAuthorization = 30;
/** A viewer that misses this many events in a row has disconnected without closing the connection. */
const maxMissedEvents = 30;

type Viewer = ReadableStreamDefaultController<Uint8Array>;

interface ViewerState {
  /** The user's name, or else the client's address. */
  readonly name: string;
  /** Rejects once the user may no longer read. */
  readonly reauthorize: () => Promise<unknown>;
  /** The number of events since the stream began. */
  events: number;
  /** Referenced here because a garbage-collected request no longer aborts its signal. */
  readonly request: Request;
  /** The number of events missed in a row. */
  missed: number;
}

/** Sends the same events to all viewers. It polls once for all of them, and only while there are viewers. */
export class LiveFeed {
  readonly #viewers = new Map<Viewer, ViewerState>();
  #latest: Uint8Array | undefined;
  #isPolling = false;
  #pause = new AbortController();

  /** @param poll reads the data of an event; if that fails, viewers get a keep-alive comment instead */
  constructor(
    private readonly poll: () => Promise<object>,
    private readonly intervalMs = 2_000,
  ) {}

  /**
   * Streams events until the request is aborted or nobody reads them.
   *
   * @param name the viewer's name. If the maximum number of viewers is reached, the name with the most streams loses its oldest
   *   stream to the new viewer
   * @param reauthorize called regularly; the stream ends if it rejects
   * @returns undefined if the maximum number of viewers is reached
   */
  watch(request: Request, name: string, reauthorize: () => Promise<unknown>): ReadableStream<Uint8Array> | undefined {
    if (this.#viewers.size >= maxViewers && !this.#makeRoom(name)) return undefined;
    const { signal } = request;
    let viewer: Viewer;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        viewer = controller;
        this.#viewers.set(viewer, { name, request, reauthorize, events: 0, missed: 0 });
        signal.addEventListener("abort", () => this.#end(viewer), { once: true });
        if (signal.aborted) this.#end(viewer);
        else if (!this.#isPolling) void this.#pollWhileWatched();
        else if (this.#latest) this.#send(viewer, this.#latest);
      },
      cancel: () => void this.#forget(viewer),
    });
  }

  async #pollWhileWatched(): Promise<void> {
    this.#isPolling = true;
    while (this.#viewers.size > 0) {
      const event = await this.poll()
        .then(encodeOverview)
        .catch(() => keepAlive);
      this.#latest = event;
      for (const viewer of this.#viewers.keys()) this.#send(viewer, event);
      this.#pause = new AbortController();
      if (this.#viewers.size > 0)
        await sleep(this.intervalMs, undefined, { signal: this.#pause.signal }).catch(() => {});
    }
    this.#latest = undefined;
    this.#isPolling = false;
  }

  /** Skips the event if the viewer has not read the previous one yet, so that nothing piles up for a slow reader. */
  #send(viewer: Viewer, event: Uint8Array): void {
    const state = this.#viewers.get(viewer) as ViewerState;
    if ((viewer.desiredSize ?? 0) > 0) {
      viewer.enqueue(event);
      state.missed = 0;
    } else if (++state.missed > maxMissedEvents) this.#end(viewer);
    if (++state.events % eventsPerAuthorization === 0) void state.reauthorize().catch(() => this.#end(viewer));
  }

  /** Ends the oldest stream of the name with the most streams. @returns false if the newcomer would have as many */
  #makeRoom(newcomer: string): boolean {
    const streams = new Map<string, Viewer[]>();
    for (const [viewer, { name }] of this.#viewers) streams.set(name, [...(streams.get(name) ?? []), viewer]);
    const [streamsOfBusiest = []] = [...streams.values()].toSorted((a, b) => b.length - a.length);
    const [oldest] = streamsOfBusiest;
    if (oldest === undefined || streamsOfBusiest.length <= (streams.get(newcomer)?.length ?? 0) + 1) return false;
    this.#end(oldest);
    return true;
  }

  #end(viewer: Viewer): void {
    if (this.#forget(viewer)) viewer.close();
  }

  #forget(viewer: Viewer): boolean {
    const wasWatching = this.#viewers.delete(viewer);
    if (this.#viewers.size === 0) this.#pause.abort();
    return wasWatching;
  }
}

const encoder = new TextEncoder();
/** A comment: it keeps proxies from closing the connection, and shows the page that the server is alive. */
const keepAlive = encoder.encode(": keep-alive\n\n");

function encodeOverview(data: object): Uint8Array {
  return encoder.encode(`event: overview\ndata: ${JSON.stringify(data)}\n\n`);
}
