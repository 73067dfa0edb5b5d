import { type Metric, Registry } from "prom-client";
import { escapeControls } from "../core/terminal.js";
import { LabelCap, type Sample } from "./label-cap.js";

/** A metric, and the function that reads it. */
export interface MetricInput {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** Combines the values of label sets that share a line, because there are too many of them. Default: their sum. */
  readonly merge?: (a: number, b: number) => number;
  read(): readonly Sample[] | Promise<readonly Sample[]>;
}

const sum = (a: number, b: number) => a + b;

/** Metrics whose values are read during a scrape. */
export class MetricSet {
  readonly registry = new Registry();
  /** The number of lines that were merged into other lines. */
  #mergedLines = 0;

  constructor() {
    this.add({
      name: "soniq_metrics_dropped_labels_total",
      help: "Lines that were counted as other: a metric has at most 200 queues and names.",
      type: "counter",
      read: () => [{ value: this.#mergedLines }],
    });
  }

  /** Does not use prom-client's metric classes: they would count again what the worker has counted, at a microsecond per job. */
  add({ name, help, type, read, merge = sum }: MetricInput): void {
    const cap = new LabelCap();
    const readValues = async () => {
      const samples = withPrintableLabels(await read(), merge);
      const values = cap.capSamples(samples, merge);
      this.#mergedLines += samples.length - values.length;
      return values;
    };
    const metric = {
      name,
      help,
      type,
      aggregator: "sum",
      get: async () => ({ name, help, type, aggregator: "sum", values: await readValues() }),
      // A reset must not change the worker's counts.
      reset: () => {},
    };
    // A registry uses no other members of a metric.
    this.registry.registerMetric(metric as unknown as Metric);
  }
}

/**
 * Escapes control characters in labels, which a terminal would obey. Labels that are equal after the escape share a line, because
 * Prometheus rejects duplicate lines.
 */
function withPrintableLabels(samples: readonly Sample[], merge: (a: number, b: number) => number): readonly Sample[] {
  const isPrintable = ({ labels = {} }: Sample) =>
    Object.values(labels).every((label) => escapeControls(label) === label);
  if (samples.every(isPrintable)) return samples;
  const merged = new Map<string, Sample>();
  for (const sample of samples) {
    const labels = Object.fromEntries(
      Object.entries(sample.labels ?? {}).map(([name, label]) => [name, escapeControls(label)]),
    );
    const key = JSON.stringify([sample.metricName, labels]);
    const existing = merged.get(key);
    merged.set(key, { ...sample, labels, value: existing ? merge(existing.value, sample.value) : sample.value });
  }
  return [...merged.values()];
}
