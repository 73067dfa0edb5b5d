import { bounds } from "../stats/histogram.js";
import type { HistogramCounts } from "../worker/activity.js";
import type { Labels, Sample } from "./label-cap.js";

/** How what was counted is shown. */
export interface Scale {
  /** So many of what was counted are one of what is shown. */
  readonly unit: number;
  /** The last bound that can be reached. */
  readonly max: number;
}

/** The lines of one histogram: each of its buckets has what those before it have, too. */
export function histogramSamples(
  name: string,
  { counts, sum }: HistogramCounts,
  { unit, max }: Scale,
  labels: Labels = {},
): Sample[] {
  const upTo = (bucket: number) => counts.slice(0, bucket + 1).reduce((total, count) => total + count, 0);
  const all = upTo(counts.length);
  const bucket = (le: string, value: number) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value });
  return [
    ...bounds.filter((bound) => bound <= max).map((bound, i) => bucket(String(bound / unit), upTo(i))),
    bucket("+Inf", all),
    { metricName: `${name}_sum`, labels, value: sum / unit },
    { metricName: `${name}_count`, labels, value: all },
  ];
}
