import { useCallback, useEffect, useState } from "preact/hooks";
import { getJson } from "./api.js";

/** The latest response of the server, and the state of the request. */
export interface FetchState<T> {
  readonly data: T | null;
  readonly error: Error | null;
  /** Whether the data belongs to the previous path, because the response for the current path is still pending. */
  readonly isStale: boolean;
  reload(): void;
}

/** Fetches JSON, and again every `refreshMs`. Old data stays until new data arrives, so that the layout does not jump. */
export function useFetch<T>(path: string, refreshMs: number | null = null): FetchState<T> {
  const [state, setState] = useState<{ path: string | null; data: T | null; error: Error | null }>({
    path: null,
    data: null,
    error: null,
  });
  const [reloads, setReloads] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const scheduleReload = () => {
      if (refreshMs !== null) timer = setTimeout(() => (document.hidden ? scheduleReload() : void load()), refreshMs);
    };
    const load = async () => {
      try {
        setState({ path, data: await getJson<T>(path, controller.signal), error: null });
      } catch (error) {
        if (controller.signal.aborted) return;
        setState((previous) => ({
          path,
          data: previous.path === path ? previous.data : null,
          error: error as Error,
        }));
      }
      if (!controller.signal.aborted) scheduleReload();
    };
    void load();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [path, refreshMs, reloads]);
  const reload = useCallback(() => setReloads((n) => n + 1), []);
  return { data: state.data, error: state.error, isStale: state.path !== path, reload };
}
