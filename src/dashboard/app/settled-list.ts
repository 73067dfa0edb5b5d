import { useEffect, useMemo, useState } from "preact/hooks";
import type { JobListView } from "../wire.js";
import { type Fetched, useFetched } from "./fetched.js";

interface SettledList {
  /** The rows that were there first, each as it is now. */
  readonly jobs: Fetched<JobListView>;
  /** How many newer ones there are. */
  readonly fresh: number;
  showFresh(): void;
  /** Rows that the filter no longer finds. */
  readonly goneIds: ReadonlySet<number>;
}

/** A list of jobs that keeps its rows where they are: they change as the jobs do, and newer ones wait to be asked for. */
export function useSettledList(path: string, everyMs: number): SettledList {
  const latest = useFetched<JobListView>(path, everyMs);
  const [first, setFirst] = useState<{ readonly path: string; readonly list: JobListView } | null>(null);
  const isFirst = latest.data !== null && !latest.stale && first?.path !== path;
  useEffect(() => {
    if (isFirst && latest.data) setFirst({ path, list: latest.data });
  }, [isFirst, latest.data, path]);

  const settled = useMemo(
    () => settle(latest.stale || isFirst ? null : (first?.list ?? null), latest.data),
    [first, latest, isFirst],
  );
  return {
    jobs: { ...latest, data: settled.list },
    fresh: settled.fresh,
    goneIds: settled.goneIds,
    showFresh: () => latest.data && setFirst({ path, list: latest.data }),
  };
}

/** What is shown of what was there first and what is there now. */
export function settle(
  first: JobListView | null,
  latest: JobListView | null,
): { readonly list: JobListView | null; readonly fresh: number; readonly goneIds: ReadonlySet<number> } {
  if (first === null || latest === null || first.jobs.length === 0)
    return { list: latest, fresh: 0, goneIds: new Set() };
  const now = new Map(latest.jobs.map((job) => [job.id, job]));
  const known = new Set(first.jobs.map(({ id }) => id));
  const newest = Math.max(...known);
  const oldest = latest.complete ? 0 : Math.min(...now.keys());
  return {
    list: { ...first, jobs: first.jobs.map((job) => now.get(job.id) ?? job) },
    fresh: latest.jobs.filter(({ id }) => id > newest).length,
    goneIds: new Set([...known].filter((id) => !now.has(id) && id > oldest)),
  };
}
