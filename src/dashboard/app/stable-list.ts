import { useEffect, useMemo, useState } from "preact/hooks";
import type { JobListView } from "../wire.js";
import { type FetchState, useFetch } from "./use-fetch.js";

interface StableList {
  /** The rows of the first load, each with its current state. */
  readonly jobs: FetchState<JobListView>;
  /** The number of newer jobs that are not shown yet. */
  readonly newCount: number;
  /** Shows the newer jobs. */
  showNew(): void;
  /** Rows that no longer match the filter. */
  readonly unmatchedIds: ReadonlySet<number>;
}

/** Loads a list of jobs whose rows keep their positions. Their contents are refreshed; newer jobs appear only after `showNew`. */
export function useStableList(path: string, refreshMs: number): StableList {
  const latest = useFetch<JobListView>(path, refreshMs);
  const [first, setFirst] = useState<{ readonly path: string; readonly list: JobListView } | null>(null);
  const isInitial = latest.data !== null && !latest.isStale && first?.path !== path;
  useEffect(() => {
    if (isInitial && latest.data) setFirst({ path, list: latest.data });
  }, [isInitial, latest.data, path]);

  const merged = useMemo(
    () => mergeLists(latest.isStale || isInitial ? null : (first?.list ?? null), latest.data),
    [first, latest, isInitial],
  );
  return {
    jobs: { ...latest, data: merged.list },
    newCount: merged.newCount,
    unmatchedIds: merged.unmatchedIds,
    showNew: () => latest.data && setFirst({ path, list: latest.data }),
  };
}

/** Merges the first and the latest load: the rows of the first, with the contents of the latest. */
export function mergeLists(
  first: JobListView | null,
  latest: JobListView | null,
): { readonly list: JobListView | null; readonly newCount: number; readonly unmatchedIds: ReadonlySet<number> } {
  if (first === null || latest === null || first.jobs.length === 0)
    return { list: latest, newCount: 0, unmatchedIds: new Set() };
  const latestById = new Map(latest.jobs.map((job) => [job.id, job]));
  const shownIds = new Set(first.jobs.map(({ id }) => id));
  const maxShownId = Math.max(...shownIds);
  // Below the last row of an incomplete page, a job may still match.
  const minLoadedId = latest.complete ? 0 : Math.min(...latestById.keys());
  return {
    list: { ...first, jobs: first.jobs.map((job) => latestById.get(job.id) ?? job) },
    newCount: latest.jobs.filter(({ id }) => id > maxShownId).length,
    unmatchedIds: new Set([...shownIds].filter((id) => !latestById.has(id) && id > minLoadedId)),
  };
}
