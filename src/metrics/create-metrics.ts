import { checkObject } from "../core/errors.js";
import type { Registry } from "prom-client";
import type { Queryable } from "../core/queryable.js";
import type { Worker } from "../worker/create-worker.js";
import { addDatabaseMetrics } from "./database-metrics.js";
import { cacheFigures } from "./figures-cache.js";
import { MetricSet } from "./metric-set.js";
import { type Figures, readFigures } from "./read-figures.js";
import { addWorkerMetrics } from "./worker-metrics.js";

/** Metrics for Prometheus. */
export interface Metrics {
  /** A separate prom-client registry with only these metrics. You can merge it with your registry, or set default labels on it. */
  readonly registry: Registry;
  /** Answers a scrape in Prometheus' text format. Mount it at `/metrics`. */
  readonly handler: () => Promise<Response>;
}

/**
 * Creates the metrics of a worker, of its database, or of both. The worker counts its metrics anyway, and a scrape reads them. The
 * database metrics are read at most every five seconds. While the database does not answer, they are missing, and `soniq_up` is 0.
 * A metric has at most 200 combinations of queue and name; all further ones are counted as `other`.
 *
 * @param sources `worker`: a worker of this process; `db`: any Drizzle PostgreSQL database, over a connection that is not busy
 */
export function createMetrics(sources: { readonly worker?: Worker; readonly db?: Queryable }): Metrics {
  checkObject(sources, "sources", "pass an object with `worker`, `db` or both");
  const { worker, db } = sources;
  return buildMetrics(worker, db && (() => readFigures(db)));
}

/** @see createMetrics */
export function buildMetrics(worker: Worker | undefined, read: (() => Promise<Figures>) | undefined): Metrics {
  const metrics = new MetricSet();
  if (worker) addWorkerMetrics(metrics, worker);
  if (read) addDatabaseMetrics(metrics, cacheFigures(read));
  const { registry } = metrics;
  return {
    registry,
    handler: async () =>
      new Response(await registry.metrics(), {
        headers: { "content-type": registry.contentType, "cache-control": "no-store" },
      }),
  };
}
