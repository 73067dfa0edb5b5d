export type Labels = Readonly<Record<string, string>>;

/** One line of a metric. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  /** If it is not the metric's own: the lines of histograms have several. */
  readonly metricName?: string;
}

/** So many label sets may a metric have, outcomes and buckets not counted. */
const max = 200;
const other = "other";

/**
 * Keeps the label sets of one metric few, whatever names there are: the first ones have lines of their own, the others share
 * one. Which ones these are stays so while the process lives, or counters would jump.
 */
export class LabelCap {
  readonly #own = new Set<string>();

  /**
   * @param join of the lines that become one
   * @returns the lines to show
   */
  shown(samples: readonly Sample[], join: (a: number, b: number) => number): readonly Sample[] {
    const own = samples.filter(({ labels }) => !labels || this.#admits(labels));
    if (own.length === samples.length) return samples;
    const joined = new Map(own.map((line) => [keyOf(line), line]));
    for (const sample of samples) {
      if (!sample.labels || this.#admits(sample.labels)) continue;
      const line = { ...sample, labels: others(sample.labels) };
      const before = joined.get(keyOf(line));
      joined.set(keyOf(line), before ? { ...line, value: join(before.value, line.value) } : line);
    }
    return [...joined.values()];
  }

  #admits({ queue, name }: Labels): boolean {
    const key = `${queue}\0${name}`;
    if (this.#own.size < max) this.#own.add(key);
    return this.#own.has(key);
  }
}

const keyOf = ({ metricName, labels }: Sample) => JSON.stringify([metricName, labels]);

function others(labels: Labels): Labels {
  return { ...labels, queue: other, ...("name" in labels && { name: other }) };
}
