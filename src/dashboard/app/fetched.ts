import { useCallback, useEffect, useState } from "preact/hooks";
import { getJson } from "./api.js";

/** What the server said, and what became of asking. */
export interface Fetched<T> {
  readonly data: T | null;
  readonly error: Error | null;
  /** Whether the data is that of an earlier path: the new one's is on its way. */
  readonly stale: boolean;
  reload(): void;
}

/** Asks the server, and again every so often. Old data stays until the new is there, so that nothing jumps. */
export function useFetched<T>(path: string, everyMs: number | null = null): Fetched<T> {
  const [known, setKnown] = useState<{ path: string | null; data: T | null; error: Error | null }>({
    path: null,
    data: null,
    error: null,
  });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const again = () => {
      if (everyMs !== null) timer = setTimeout(() => (document.hidden ? again() : void load()), everyMs);
    };
    const load = async () => {
      try {
        setKnown({ path, data: await getJson<T>(path, ended.signal), error: null });
      } catch (error) {
        if (ended.signal.aborted) return;
        setKnown((before) => ({ path, data: before.path === path ? before.data : null, error: error as Error }));
      }
      if (!ended.signal.aborted) again();
    };
    void load();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs, round]);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  return { data: known.data, error: known.error, stale: known.path !== path, reload };
}
