/** Measures of several rounds. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Runs all contestants once, then all again: what disturbs the machine for a while disturbs them all.
 *
 * @param measure one contestant's figures in one round, by name
 * @returns by contestant and figure the summary over the rounds
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
  /** Undefined where a contestant has no such figure. */
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

/** The value below which that share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}
