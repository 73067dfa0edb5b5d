/** A figure over several rounds. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Runs all contestants once, then all of them again: a disturbance of the machine then affects all of them.
 *
 * @param measure returns the figures of one contestant in one round, by name
 * @returns the summary over the rounds, by contestant and figure
 */
export async function interleave<Figure extends string>(
  rounds: number,
  contestants: readonly string[],
  measure: (contestant: string, round: number) => Promise<Partial<Record<Figure, number>>>,
): Promise<Results<Figure>> {
  const values = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of contestants) {
      const figures = await measure(contestant, round);
      for (const [figure, value] of Object.entries(figures)) {
        const key = `${contestant}\n${figure}`;
        values.set(key, [...(values.get(key) ?? []), value as number]);
      }
    }
  }
  return {
    contestants,
    of: (contestant, figure) => {
      const found = values.get(`${contestant}\n${figure}`);
      return found && summarize(found);
    },
  };
}

export interface Results<Figure extends string> {
  readonly contestants: readonly string[];
  /** Undefined if a contestant has no such figure. */
  of(contestant: string, figure: Figure): Summary | undefined;
}

export function summarize(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1
      ? (sorted[middle] as number)
      : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
  return { median, min: sorted[0] as number, max: sorted.at(-1) as number };
}

/** Returns the value below which this share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}
