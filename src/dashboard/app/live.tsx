import { type ComponentChildren, createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { LiveView } from "../wire.js";
import { ApiError, getStream } from "./api.js";
import { readServerEvents } from "./streams.js";

/** The queue depth and throughput at one time. The database keeps no history of them, so the page collects samples for its charts. */
export interface Sample {
  /** Seconds since 1970. */
  readonly atSeconds: number;
  readonly due: number;
  readonly active: number;
  readonly perSecond: number;
}

export interface LiveState {
  readonly state: "connecting" | "live" | "lost";
  /** The latest event. */
  readonly view: LiveView | null;
  /** Samples since the page was opened, at most of the last 15 minutes. */
  readonly samples: readonly Sample[];
}

/** 15 minutes, at one event every two seconds. */
const maxSamples = 450;
/** Events arrive every two seconds. After this time without an event, the connection is dead, even if its socket looks open. */
const silenceTimeoutMs = 15_000;
const maxReconnectDelayMs = 15_000;

const LiveContext = createContext<LiveState>({ state: "connecting", view: null, samples: [] });

export const useLive = (): LiveState => useContext(LiveContext);

export function LiveProvider({ children }: { readonly children: ComponentChildren }) {
  const [live, setLive] = useState<LiveState>({ state: "connecting", view: null, samples: [] });
  useEffect(() => {
    const controller = new AbortController();
    void stayConnected(setLive, controller.signal);
    return () => controller.abort();
  }, []);
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}

/** Streams events until the signal aborts, and reconnects with backoff when the connection is lost. */
async function stayConnected(
  setLive: (update: (previous: LiveState) => LiveState) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      await listen((view) => {
        failures = 0;
        setLive((previous) => applyView(previous, view));
      }, signal);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return;
    }
    if (signal.aborted) return;
    setLive((previous) => ({ ...previous, state: "lost" }));
    await waitForRetry(Math.min(maxReconnectDelayMs, 500 * 2 ** failures) * (0.5 + Math.random() / 2));
  }
}

async function listen(receive: (view: LiveView) => void, signal: AbortSignal): Promise<void> {
  const silenceController = new AbortController();
  const startTimer = () => setTimeout(() => silenceController.abort(), silenceTimeoutMs);
  let timer = startTimer();
  try {
    const stream = await getStream("live", AbortSignal.any([signal, silenceController.signal]));
    for await (const { event, data } of readServerEvents(stream)) {
      clearTimeout(timer);
      timer = startTimer();
      if (event === "overview") receive(JSON.parse(data) as LiveView);
    }
  } finally {
    clearTimeout(timer);
  }
}

function applyView(previous: LiveState, view: LiveView): LiveState {
  const sum = (state: "due" | "active") => view.queues.reduce((total, queue) => total + queue[state], 0);
  const sample = {
    atSeconds: Date.parse(view.at) / 1_000,
    due: sum("due"),
    active: sum("active"),
    perSecond: view.perSecond,
  };
  return { state: "live", view, samples: [...previous.samples, sample].slice(-maxSamples) };
}

/** Waits for the delay, or until the network or the reader is back. */
function waitForRetry(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      window.removeEventListener("online", finish);
      document.removeEventListener("visibilitychange", finish);
      resolve();
    };
    const timer = setTimeout(finish, delayMs);
    window.addEventListener("online", finish);
    document.addEventListener("visibilitychange", finish);
  });
}
