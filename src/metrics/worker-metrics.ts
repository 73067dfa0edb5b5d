import type { HistogramCounts } from "../worker/activity.js";
import type { Worker } from "../worker/create-worker.js";
import { toHistogramSamples, type Scale } from "./histogram-samples.js";
import type { Labels } from "./label-cap.js";
import type { MetricSet } from "./metric-set.js";

/** Counts milliseconds, and shows seconds. */
const seconds: Scale = { unit: 1_000, maxBound: Infinity };
/** No batch has more than 1,000 jobs. */
const jobs: Scale = { unit: 1, maxBound: 1_024 };

type MeasuredWorker = Pick<Worker, "activity" | "health">;

/** Adds the metrics of a worker. They are counted in this process, and available even while PostgreSQL does not answer. */
export function addWorkerMetrics(metrics: MetricSet, worker: MeasuredWorker): void {
  addAttemptMetrics(metrics, worker);
  addBatchMetrics(metrics, worker);
  addStateMetrics(metrics, worker);
}

function addAttemptMetrics(metrics: MetricSet, worker: MeasuredWorker): void {
  const attempts = () => worker.activity().attempts;
  metrics.add({
    name: "soniq_attempts_total",
    help: "Attempts that ended, by outcome.",
    type: "counter",
    read: () =>
      attempts().flatMap(({ queue, name, ended }) =>
        Object.entries(ended).map(([outcome, value]) => ({ labels: { queue, name, outcome }, value })),
      ),
  });
  addHistogram(metrics, "soniq_run_seconds", "How long attempts took.", seconds, () =>
    attempts().map(({ queue, name, run }) => [{ queue, name }, run]),
  );
  addHistogram(metrics, "soniq_wait_seconds", "How long jobs had been due when they were claimed.", seconds, () =>
    attempts().map(({ queue, name, wait }) => [{ queue, name }, wait]),
  );
}

function addBatchMetrics(metrics: MetricSet, worker: MeasuredWorker): void {
  addHistogram(metrics, "soniq_claim_jobs", "Jobs per claim, without empty claims.", jobs, () =>
    Object.entries(worker.activity().claims).map(([queue, counts]) => [{ queue }, counts]),
  );
  addHistogram(metrics, "soniq_settle_jobs", "Jobs per settle.", jobs, () => [[{}, worker.activity().settles]]);
}

function addStateMetrics(metrics: MetricSet, worker: MeasuredWorker): void {
  const add = (type: "counter" | "gauge", name: string, help: string, read: () => number) =>
    metrics.add({ name, help, type, read: () => [{ value: read() }] });
  add("gauge", "soniq_slots", "Jobs that this worker may run at once.", () => worker.activity().slots);
  add("gauge", "soniq_slots_used", "Jobs that this worker is running.", () => worker.activity().running);
  add("gauge", "soniq_ready", "Whether this worker can take jobs.", () => Number(worker.health().ready));
  add("gauge", "soniq_degraded", "Whether this worker works, but with a problem.", () =>
    Number(worker.health().state === "degraded"),
  );
  add(
    "counter",
    "soniq_sessions_lost_total",
    "How often this worker was silent for longer than its lease, and lost its jobs.",
    () => worker.activity().sessionsLost,
  );
  add(
    "counter",
    "soniq_listener_reconnects_total",
    "How often this worker's listener for wake-ups reconnected.",
    () => worker.activity().relistens,
  );
}

function addHistogram(
  metrics: MetricSet,
  name: string,
  help: string,
  scale: Scale,
  read: () => readonly (readonly [Labels, HistogramCounts])[],
): void {
  metrics.add({
    name,
    help,
    type: "histogram",
    read: () => read().flatMap(([labels, counts]) => toHistogramSamples(name, counts, scale, labels)),
  });
}
