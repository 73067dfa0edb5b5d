const doublings = 22;

/**
 * The bounds of all histograms' buckets, 1, 2, 4 … 2^22: of milliseconds, from one to 70 minutes. A value is counted in the first
 * bucket whose bound is not less; a last bucket beyond them has those that are more.
 */
export const bounds: readonly number[] = Array.from({ length: doublings + 1 }, (_, i) => 2 ** i);

const max = 2 ** doublings;

/** Counts values by size. */
export class Histogram {
  /** One for each of {@link bounds}, and one for what is more. */
  readonly counts: number[] = Array.from({ length: bounds.length + 1 }, () => 0);
  sum = 0;

  add(value: number): void {
    const bucket = bucketOf(value);
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
  }
}

/** Which of the buckets has a value. No search: the bounds are powers of two. */
export function bucketOf(value: number): number {
  if (value <= 1) return 0;
  return value > max ? bounds.length : 32 - Math.clz32(Math.ceil(value) - 1);
}

/**
 * The value that a share of all counted ones does not exceed: by interpolation, as if they lay evenly within their bucket, as
 * Prometheus does. It is in the same bucket as the true one: less than twice, and more than half of that. What is more than the
 * last bound is taken for that.
 *
 * @param counts by bucket
 * @param share from 0 to 1, such as 0.95
 * @returns null if nothing was counted
 */
export function quantile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = share * total;
  for (const [bucket, count] of counts.entries()) {
    const upper = bounds[bucket];
    if (upper === undefined) break;
    if (count > 0 && left <= count) {
      const lower = bounds[bucket - 1] ?? 0;
      return lower + (upper - lower) * (left / count);
    }
    left -= count;
  }
  return max;
}
