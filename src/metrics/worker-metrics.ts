import type { HistogramCounts } from "../worker/activity.js";
import type { Worker } from "../worker/create-worker.js";
import { histogramSamples, type Scale } from "./histogram-samples.js";
import type { Labels } from "./label-cap.js";
import type { MetricSet } from "./metric-set.js";

/** Milliseconds are counted, seconds shown. */
const seconds: Scale = { unit: 1_000, max: Infinity };
/** No batch is larger. */
const jobs: Scale = { unit: 1, max: 1_024 };

/** What a worker tells of itself: counted in this process, and there whether PostgreSQL answers or not. */
export function addWorkerMetrics(metrics: MetricSet, worker: Pick<Worker, "activity" | "health">): void {
  const number = (type: "counter" | "gauge", name: string, help: string, read: () => number) =>
    metrics.add({ name, help, type, read: () => [{ value: read() }] });
  const histogram = (
    name: string,
    help: string,
    scale: Scale,
    read: () => readonly (readonly [Labels, HistogramCounts])[],
  ) =>
    metrics.add({
      name,
      help,
      type: "histogram",
      read: () => read().flatMap(([labels, counts]) => histogramSamples(name, counts, scale, labels)),
    });
  const attempts = () => worker.activity().attempts;

  metrics.add({
    name: "soniq_attempts_total",
    help: "Attempts that ended, by what became of the job.",
    type: "counter",
    read: () =>
      attempts().flatMap(({ queue, name, ended }) =>
        Object.entries(ended).map(([outcome, value]) => ({ labels: { queue, name, outcome }, value })),
      ),
  });
  histogram("soniq_run_seconds", "How long attempts took.", seconds, () =>
    attempts().map(({ queue, name, run }) => [{ queue, name }, run]),
  );
  histogram("soniq_wait_seconds", "How long jobs had been due when they were claimed.", seconds, () =>
    attempts().map(({ queue, name, wait }) => [{ queue, name }, wait]),
  );
  histogram("soniq_claim_jobs", "Jobs per claim, of the claims that brought any.", jobs, () =>
    Object.entries(worker.activity().claims).map(([queue, counts]) => [{ queue }, counts]),
  );
  histogram("soniq_settle_jobs", "Jobs per settle.", jobs, () => [[{}, worker.activity().settles]]);

  number("gauge", "soniq_slots", "Jobs that this worker may run at once.", () => worker.activity().slots);
  number("gauge", "soniq_slots_used", "Jobs that it runs.", () => worker.activity().running);
  number("gauge", "soniq_ready", "Whether this worker can take jobs.", () => Number(worker.health().ready));
  number("gauge", "soniq_degraded", "Whether this worker works, but not as it should.", () =>
    Number(worker.health().state === "degraded"),
  );
  number(
    "counter",
    "soniq_sessions_lost_total",
    "How often this worker was silent for longer than its lease, and lost its jobs.",
    () => worker.activity().sessionsLost,
  );
  number(
    "counter",
    "soniq_listener_reconnects_total",
    "How often this worker had to listen for wake-ups anew.",
    () => worker.activity().relistens,
  );
}
