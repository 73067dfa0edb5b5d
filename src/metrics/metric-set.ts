import { type Metric, Registry } from "prom-client";
import { escapeControls } from "../core/terminal.js";
import { LabelCap, type Sample } from "./label-cap.js";

/** A metric, and how it is read. */
export interface MetricInput {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** Of label sets that share a line, since there are too many: by default, they are added up. */
  readonly join?: (a: number, b: number) => number;
  read(): readonly Sample[] | Promise<readonly Sample[]>;
}

const sum = (a: number, b: number) => a + b;

/** Metrics that are read when somebody asks for them. */
export class MetricSet {
  readonly registry = new Registry();
  /** How many lines were added to others. */
  #dropped = 0;

  constructor() {
    this.add({
      name: "soniq_metrics_dropped_labels_total",
      help: "Lines that were added to those of other: a metric has 200 queues and names at the most.",
      type: "counter",
      read: () => [{ value: this.#dropped }],
    });
  }

  /** Not one of prom-client's own: these count for themselves, a microsecond per job, what the worker has counted already. */
  add({ name, help, type, read, join = sum }: MetricInput): void {
    const cap = new LabelCap();
    const shown = async () => {
      const samples = withPrintableLabels(await read(), join);
      const values = cap.shown(samples, join);
      this.#dropped += samples.length - values.length;
      return values;
    };
    const metric = {
      name,
      help,
      type,
      aggregator: "sum",
      get: async () => ({ name, help, type, aggregator: "sum", values: await shown() }),
      // The worker goes on counting.
      reset: () => {},
    };
    // All that a registry asks of a metric.
    this.registry.registerMetric(metric as unknown as Metric);
  }
}

/** Names may hold what a terminal would obey. Two that look alike afterwards share a line: Prometheus refuses a line that is there twice. */
function withPrintableLabels(samples: readonly Sample[], join: (a: number, b: number) => number): readonly Sample[] {
  const isPlain = ({ labels = {} }: Sample) => Object.values(labels).every((label) => escapeControls(label) === label);
  if (samples.every(isPlain)) return samples;
  const joined = new Map<string, Sample>();
  for (const sample of samples) {
    const labels = Object.fromEntries(
      Object.entries(sample.labels ?? {}).map(([name, label]) => [name, escapeControls(label)]),
    );
    const key = JSON.stringify([sample.metricName, labels]);
    const before = joined.get(key);
    joined.set(key, { ...sample, labels, value: before ? join(before.value, sample.value) : sample.value });
  }
  return [...joined.values()];
}
