import { type ComponentChildren, createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { LiveView } from "../wire.js";
import { ApiError, getStream } from "./api.js";
import { serverEvents } from "./streams.js";

/** What a moment was like, for charts of what the database keeps no history of. */
export interface Moment {
  /** Seconds since 1970. */
  readonly at: number;
  readonly due: number;
  readonly active: number;
  readonly perSecond: number;
}

export interface Live {
  readonly state: "connecting" | "live" | "lost";
  /** The last that was heard. */
  readonly view: LiveView | null;
  /** The moments since the page was opened, the last quarter of an hour of them. */
  readonly moments: readonly Moment[];
}

const maxMoments = 450;
/** Events come every two seconds: after so long without one, a connection is dead, whatever it says. */
const silenceMs = 15_000;
const latencyMs = 15_000;

const LiveContext = createContext<Live>({ state: "connecting", view: null, moments: [] });

export const useLive = (): Live => useContext(LiveContext);

export function LiveProvider({ children }: { readonly children: ComponentChildren }) {
  const [live, setLive] = useState<Live>({ state: "connecting", view: null, moments: [] });
  useEffect(() => {
    const ended = new AbortController();
    void follow(setLive, ended.signal);
    return () => ended.abort();
  }, []);
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}

/** Listens until the signal ends it, and connects again whenever the connection is lost. */
async function follow(tell: (change: (before: Live) => Live) => void, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      await listen((view) => {
        failures = 0;
        tell((before) => heard(before, view));
      }, signal);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return;
    }
    if (signal.aborted) return;
    tell((before) => ({ ...before, state: "lost" }));
    await wait(Math.min(latencyMs, 500 * 2 ** failures) * (0.5 + Math.random() / 2));
  }
}

async function listen(tell: (view: LiveView) => void, signal: AbortSignal): Promise<void> {
  const silence = new AbortController();
  const fall = () => setTimeout(() => silence.abort(), silenceMs);
  let timer = fall();
  try {
    const stream = await getStream("live", AbortSignal.any([signal, silence.signal]));
    for await (const { event, data } of serverEvents(stream)) {
      clearTimeout(timer);
      timer = fall();
      if (event === "overview") tell(JSON.parse(data) as LiveView);
    }
  } finally {
    clearTimeout(timer);
  }
}

function heard(before: Live, view: LiveView): Live {
  const sum = (of: "due" | "active") => view.queues.reduce((total, queue) => total + queue[of], 0);
  const moment = {
    at: Date.parse(view.at) / 1_000,
    due: sum("due"),
    active: sum("active"),
    perSecond: view.perSecond,
  };
  return { state: "live", view, moments: [...before.moments, moment].slice(-maxMoments) };
}

/** So long, or until the network or the reader is back. */
function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      window.removeEventListener("online", over);
      document.removeEventListener("visibilitychange", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    window.addEventListener("online", over);
    document.addEventListener("visibilitychange", over);
  });
}
