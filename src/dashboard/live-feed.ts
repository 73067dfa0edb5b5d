import { setTimeout as sleep } from "node:timers/promises";

const maxViewers = 50;
/** After so many events, a minute's, it is asked again whether they may look: they may have logged out. */
const eventsPerLeave = 30;
/** Whoever takes no event for so many in a row has gone, and its network did not say so. */
const maxMissed = 30;

type Viewer = ReadableStreamDefaultController<Uint8Array>;

interface Watching {
  /** Who it is, as far as that is known. */
  readonly name: string;
  /** Rejects once they may not look any more. */
  readonly mayStay: () => Promise<unknown>;
  told: number;
  /** Kept, since one that nobody keeps is garbage, and then its signal hears of nothing any more. */
  readonly request: Request;
  /** How many events in a row were missed. */
  missed: number;
}

/** Shows all who look the same: it looks for them while there are any, once for all. */
export class LiveFeed {
  readonly #viewers = new Map<Viewer, Watching>();
  #newest: Uint8Array | undefined;
  #isLooking = false;
  #pause = new AbortController();

  /** @param look makes an event's data; where that fails, viewers are told that the connection is alive, and no more */
  constructor(
    private readonly look: () => Promise<object>,
    private readonly everyMs = 2_000,
  ) {}

  /**
   * Events, until the request is aborted or nobody reads them.
   *
   * @param name who looks: where there are as many as may be, whoever has the most streams loses the oldest to a newcomer
   * @param mayStay is asked now and then, and rejects to end it
   * @returns undefined if as many look already as may
   */
  watch(request: Request, name: string, mayStay: () => Promise<unknown>): ReadableStream<Uint8Array> | undefined {
    if (this.#viewers.size >= maxViewers && !this.#makeRoom(name)) return undefined;
    const { signal } = request;
    let viewer: Viewer;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        viewer = controller;
        this.#viewers.set(viewer, { name, request, mayStay, told: 0, missed: 0 });
        signal.addEventListener("abort", () => this.#end(viewer), { once: true });
        if (signal.aborted) this.#end(viewer);
        else if (!this.#isLooking) void this.#lookOut();
        else if (this.#newest) this.#send(viewer, this.#newest);
      },
      cancel: () => void this.#forget(viewer),
    });
  }

  async #lookOut(): Promise<void> {
    this.#isLooking = true;
    while (this.#viewers.size > 0) {
      const event = await this.look()
        .then(overview)
        .catch(() => stillThere);
      this.#newest = event;
      for (const viewer of this.#viewers.keys()) this.#send(viewer, event);
      this.#pause = new AbortController();
      if (this.#viewers.size > 0) await sleep(this.everyMs, undefined, { signal: this.#pause.signal }).catch(() => {});
    }
    this.#newest = undefined;
    this.#isLooking = false;
  }

  /** One that has not been taken yet is not followed by another: nothing piles up for a slow reader. */
  #send(viewer: Viewer, event: Uint8Array): void {
    const watching = this.#viewers.get(viewer) as Watching;
    if ((viewer.desiredSize ?? 0) > 0) {
      viewer.enqueue(event);
      watching.missed = 0;
    } else if (++watching.missed > maxMissed) this.#end(viewer);
    if (++watching.told % eventsPerLeave === 0) void watching.mayStay().catch(() => this.#end(viewer));
  }

  /** @returns whether somebody had so many streams that one of them could be ended */
  #makeRoom(newcomer: string): boolean {
    const streams = new Map<string, Viewer[]>();
    for (const [viewer, { name }] of this.#viewers) streams.set(name, [...(streams.get(name) ?? []), viewer]);
    const [max = []] = [...streams.values()].toSorted((a, b) => b.length - a.length);
    const [oldest] = max;
    if (oldest === undefined || max.length <= (streams.get(newcomer)?.length ?? 0) + 1) return false;
    this.#end(oldest);
    return true;
  }

  #end(viewer: Viewer): void {
    if (this.#forget(viewer)) viewer.close();
  }

  #forget(viewer: Viewer): boolean {
    const wasThere = this.#viewers.delete(viewer);
    if (this.#viewers.size === 0) this.#pause.abort();
    return wasThere;
  }
}

const encoder = new TextEncoder();
/** A comment: it keeps proxies from hanging up, and the page knows that the server is there. */
const stillThere = encoder.encode(": nothing new\n\n");

function overview(data: object): Uint8Array {
  return encoder.encode(`event: overview\ndata: ${JSON.stringify(data)}\n\n`);
}
