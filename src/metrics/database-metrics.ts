import type { QueueInfo } from "../queues/list-queues.js";
import type { Sample } from "./label-cap.js";
import type { MetricInput, MetricSet } from "./metric-set.js";
import type { Figures } from "./read-figures.js";

type ReadFigures = () => Promise<Figures | undefined>;

/** The name and the help text of a metric. */
type Label = readonly [name: string, help: string];

/** Adds gauges of the database. They are missing while it does not answer. */
export function addDatabaseMetrics(metrics: MetricSet, figures: ReadFigures): void {
  metrics.add({
    name: "soniq_up",
    help: "Whether PostgreSQL answers.",
    type: "gauge",
    read: async () => [{ value: Number((await figures()) !== undefined) }],
  });
  addQueueMetrics(metrics, figures);
  addServerMetrics(metrics, figures);
}

function addQueueMetrics(metrics: MetricSet, figures: ReadFigures): void {
  const add = (label: Label, select: (queue: QueueInfo) => number, merge?: MetricInput["merge"]) => {
    const toSamples = ({ queues }: Figures) =>
      queues.map((queue) => ({ labels: { queue: queue.name }, value: select(queue) }));
    addGauge(metrics, label, figures, toSamples, merge);
  };
  add(["soniq_queue_due", "Jobs that could run now; 10000 means 10000 or more."], ({ due }) => due);
  add(["soniq_queue_scheduled", "Jobs for later; 10000 means 10000 or more."], ({ scheduled }) => scheduled);
  add(["soniq_queue_parked", "Parked webhook deliveries; 10000 means 10000 or more."], ({ parked }) => parked);
  add(["soniq_queue_active", "Jobs that workers hold; 10000 means 10000 or more."], ({ active }) => active);
  add(
    ["soniq_queue_oldest_due_seconds", "How long the oldest due job has been due; 0 without due jobs."],
    ({ latencyMs }) => (latencyMs ?? 0) / 1_000,
    Math.max,
  );
  add(["soniq_queue_paused", "Whether the queue is paused."], ({ pausedAt }) => Number(pausedAt !== null), Math.max);
}

function addServerMetrics(metrics: MetricSet, figures: ReadFigures): void {
  const add = (label: Label, select: (figures: Figures) => number) =>
    addGauge(metrics, label, figures, (read) => [{ value: select(read) }]);
  add(["soniq_workers", "Live workers, in all processes."], ({ workers }) => workers);
  add(["soniq_connections", "Connections of workers and commands to this database."], ({ connections }) => connections);
  add(
    [
      "soniq_oldest_snapshot_transactions",
      "Transactions since the oldest open snapshot: vacuum cannot remove rows that died since then.",
    ],
    ({ snapshotAge }) => snapshotAge,
  );
  add(
    ["soniq_jobs_dead_rows", "Row versions of soniq_jobs that vacuum has yet to remove."],
    ({ deadRows }) => deadRows,
  );
}

function addGauge(
  metrics: MetricSet,
  [name, help]: Label,
  figures: ReadFigures,
  toSamples: (figures: Figures) => readonly Sample[],
  merge?: MetricInput["merge"],
): void {
  const read = async () => {
    const current = await figures();
    return current ? toSamples(current) : [];
  };
  metrics.add({ name, help, type: "gauge", read, ...(merge && { merge }) });
}
