import type { QueueInfo } from "../queues/list.js";
import type { Sample } from "./label-cap.js";
import type { MetricInput, MetricSet } from "./metric-set.js";
import type { Figures } from "./read-figures.js";

/** What is told of the database: gauges, which are missing while it does not answer. */
export function addDatabaseMetrics(metrics: MetricSet, figures: () => Promise<Figures | undefined>): void {
  const gauge = (
    name: string,
    help: string,
    of: (known: Figures) => readonly Sample[],
    options: Pick<MetricInput, "join"> = {},
  ) =>
    metrics.add({
      name,
      help,
      type: "gauge",
      ...options,
      read: async () => {
        const known = await figures();
        return known ? of(known) : [];
      },
    });
  const number = (name: string, help: string, of: (known: Figures) => number) =>
    gauge(name, help, (known) => [{ value: of(known) }]);
  const perQueue = (
    name: string,
    help: string,
    of: (queue: QueueInfo) => number,
    options?: Pick<MetricInput, "join">,
  ) =>
    gauge(
      name,
      help,
      ({ queues }) => queues.map((queue) => ({ labels: { queue: queue.name }, value: of(queue) })),
      options,
    );
  const max = { join: Math.max };

  metrics.add({
    name: "soniq_up",
    help: "Whether PostgreSQL answers.",
    type: "gauge",
    read: async () => [{ value: Number((await figures()) !== undefined) }],
  });
  perQueue("soniq_queue_due", "Jobs that could run now; 10000 are as many or more.", ({ due }) => due);
  perQueue("soniq_queue_scheduled", "Jobs for later; 10000 are as many or more.", ({ scheduled }) => scheduled);
  perQueue("soniq_queue_parked", "Webhooks that are set aside; 10000 are as many or more.", ({ parked }) => parked);
  perQueue("soniq_queue_active", "Jobs that workers hold; 10000 are as many or more.", ({ active }) => active);
  perQueue(
    "soniq_queue_oldest_due_seconds",
    "For how long the first of the due jobs has been due; 0 if none is.",
    ({ latencyMs }) => (latencyMs ?? 0) / 1_000,
    max,
  );
  perQueue("soniq_queue_paused", "Whether the queue is paused.", ({ pausedAt }) => Number(pausedAt !== null), max);
  number("soniq_workers", "Workers that are alive, in all processes.", ({ workers }) => workers);
  number("soniq_connections", "Connections of workers and commands to this database.", (known) => known.connections);
  number(
    "soniq_oldest_snapshot_transactions",
    "Transactions since the oldest snapshot that is held open: rows that died since then cannot be removed.",
    ({ snapshotAge }) => snapshotAge,
  );
  number(
    "soniq_jobs_dead_rows",
    "Row versions of soniq_jobs that vacuum has yet to remove.",
    ({ deadRows }) => deadRows,
  );
}
