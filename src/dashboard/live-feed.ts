import { setTimeout as sleep } from "node:timers/promises";

const everyMs = 2_000;
const mostViewers = 50;
/** Whoever takes no event for so many in a row has gone, and its network did not say so. */
const mostMissed = 30;

interface Viewer {
  /** Hands an event over, unless the one before has not been taken yet: it would only be older. */
  send(event: Uint8Array): void;
  end(): void;
}

/** Shows all who look the same: it looks for them while there are any, once for all. */
export class LiveFeed {
  readonly #viewers = new Set<Viewer>();
  #newest: Uint8Array | undefined;
  #isLooking = false;
  #pause = new AbortController();

  /** @param look makes the next event's data; it may fail: then viewers are told that the connection is alive, and no more */
  constructor(private readonly look: () => Promise<object>) {}

  /**
   * The events, until the signal is aborted or nobody reads them.
   *
   * @returns undefined if as many as may are looking already
   */
  watch(signal: AbortSignal): ReadableStream<Uint8Array> | undefined {
    if (this.#viewers.size >= mostViewers) return undefined;
    const leave = (viewer: Viewer) => {
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) this.#pause.abort();
    };
    let viewer: Viewer;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        let missed = 0;
        viewer = {
          send(event) {
            if ((controller.desiredSize ?? 0) > 0) {
              missed = 0;
              controller.enqueue(event);
            } else if (++missed > mostMissed) this.end();
          },
          end() {
            if (!isLive(viewer)) return;
            leave(viewer);
            controller.close();
          },
        };
        const isLive = (one: Viewer) => this.#viewers.has(one);
        this.#viewers.add(viewer);
        signal.addEventListener("abort", () => viewer.end(), { once: true });
        if (this.#isLooking) this.#newest && viewer.send(this.#newest);
        else void this.#lookOut();
      },
      cancel: () => leave(viewer),
    });
  }

  async #lookOut(): Promise<void> {
    this.#isLooking = true;
    while (this.#viewers.size > 0) {
      this.#newest = await this.look().then(overview, () => stillThere);
      for (const viewer of this.#viewers) viewer.send(this.#newest);
      this.#pause = new AbortController();
      if (this.#viewers.size > 0) await sleep(everyMs, undefined, { signal: this.#pause.signal }).catch(() => {});
    }
    this.#isLooking = false;
  }
}

const encoder = new TextEncoder();
/** A comment: it keeps proxies from hanging up, and the page knows the server from one that is gone. */
const stillThere = encoder.encode(": nothing new\n\n");

function overview(data: object): Uint8Array {
  return encoder.encode(`event: overview\ndata: ${JSON.stringify(data)}\n\n`);
}
