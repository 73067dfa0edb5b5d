export type Labels = Readonly<Record<string, string>>;

/** One line of a metric. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  /** Set if it differs from the metric's name, as in the lines of a histogram. */
  readonly metricName?: string;
}

/** The maximum number of label sets of one metric, not counting outcomes and buckets. */
const maxLabelSets = 200;
const other = "other";

/**
 * Limits the label sets of one metric, no matter how many names there are. The first label sets keep separate lines; all further
 * ones share one line. The choice is fixed for the lifetime of the process, because counters would jump otherwise.
 */
export class LabelCap {
  readonly #admitted = new Set<string>();

  /**
   * @param merge combines the values of lines that share one line
   * @returns the lines to show
   */
  capSamples(samples: readonly Sample[], merge: (a: number, b: number) => number): readonly Sample[] {
    const admitted = samples.filter(({ labels }) => !labels || this.#admits(labels));
    if (admitted.length === samples.length) return samples;
    const merged = new Map(admitted.map((line) => [toKey(line), line]));
    for (const sample of samples) {
      if (!sample.labels || this.#admits(sample.labels)) continue;
      const line = { ...sample, labels: toOther(sample.labels) };
      const existing = merged.get(toKey(line));
      merged.set(toKey(line), existing ? { ...line, value: merge(existing.value, line.value) } : line);
    }
    return [...merged.values()];
  }

  #admits({ queue, name }: Labels): boolean {
    const key = `${queue}\0${name}`;
    if (this.#admitted.size < maxLabelSets) this.#admitted.add(key);
    return this.#admitted.has(key);
  }
}

const toKey = ({ metricName, labels }: Sample) => JSON.stringify([metricName, labels]);

function toOther(labels: Labels): Labels {
  return { ...labels, queue: other, ...("name" in labels && { name: other }) };
}
