const doublings = 22;

/**
 * The upper bounds of all histograms' buckets: 1, 2, 4 … 2^22. In milliseconds, they reach from 1 ms to 70 minutes. A value is counted
 * in the first bucket whose bound is not less than it. One more bucket counts the values above the last bound.
 */
export const bounds: readonly number[] = Array.from({ length: doublings + 1 }, (_, i) => 2 ** i);

const maxBound = 2 ** doublings;

/** Counts values by size. */
export class Histogram {
  /** A count for each of {@link bounds}, and one for larger values. */
  readonly counts: number[] = Array.from({ length: bounds.length + 1 }, () => 0);
  sum = 0;

  add(value: number): void {
    const bucket = findBucket(value);
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
  }
}

/** Returns the index of a value's bucket. It needs no search, because the bounds are powers of two. */
export function findBucket(value: number): number {
  if (value <= 1) return 0;
  return value > maxBound ? bounds.length : 32 - Math.clz32(Math.ceil(value) - 1);
}

/**
 * Returns the value that a share of all counted values does not exceed. It interpolates as Prometheus does, as if the values were spread
 * evenly within their bucket. The result is in the same bucket as the true quantile: more than half and less than twice of it.
 * Values above the last bound count as the last bound.
 *
 * @param counts by bucket
 * @param share from 0 to 1, such as 0.95
 * @returns null if nothing was counted
 */
export function computeQuantile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let remaining = share * total;
  for (const [bucket, count] of counts.entries()) {
    const upper = bounds[bucket];
    if (upper === undefined) break;
    if (count > 0 && remaining <= count) {
      const lower = bounds[bucket - 1] ?? 0;
      return lower + (upper - lower) * (remaining / count);
    }
    remaining -= count;
  }
  return maxBound;
}
