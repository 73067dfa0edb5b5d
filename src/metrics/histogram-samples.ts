import { bounds } from "../stats/histogram.js";
import type { HistogramCounts } from "../worker/activity.js";
import type { Labels, Sample } from "./label-cap.js";

/** How to scale counted values for display. */
export interface Scale {
  /** The number of counted units per displayed unit, such as 1,000 for milliseconds shown as seconds. */
  readonly unit: number;
  /** The largest bound that values can reach, in counted units. */
  readonly maxBound: number;
}

/** Returns the lines of one histogram. Prometheus' buckets are cumulative: each includes the counts of all smaller buckets. */
export function toHistogramSamples(
  name: string,
  { counts, sum }: HistogramCounts,
  { unit, maxBound }: Scale,
  labels: Labels = {},
): Sample[] {
  const countUpTo = (bucket: number) => counts.slice(0, bucket + 1).reduce((total, count) => total + count, 0);
  const totalCount = countUpTo(counts.length);
  const bucket = (le: string, value: number) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value });
  return [
    ...bounds.filter((bound) => bound <= maxBound).map((bound, i) => bucket(String(bound / unit), countUpTo(i))),
    bucket("+Inf", totalCount),
    { metricName: `${name}_sum`, labels, value: sum / unit },
    { metricName: `${name}_count`, labels, value: totalCount },
  ];
}
