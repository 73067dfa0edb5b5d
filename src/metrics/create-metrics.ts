import { checkObject } from "../core/errors.js";
import type { Registry } from "prom-client";
import type { Queryable } from "../core/queryable.js";
import type { Worker } from "../worker/create-worker.js";
import { addDatabaseMetrics } from "./database-metrics.js";
import { figuresCache } from "./figures-cache.js";
import { MetricSet } from "./metric-set.js";
import { type Figures, readFigures } from "./read-figures.js";
import { addWorkerMetrics } from "./worker-metrics.js";

/** What Prometheus reads. */
export interface Metrics {
  /** A registry of its own, with nobody else's metrics: merge it with yours, or give it default labels. */
  readonly registry: Registry;
  /** Answers a scrape, in Prometheus' text format: to be mounted at `/metrics`. */
  readonly handler: () => Promise<Response>;
}

/**
 * Makes the metrics of a worker, of its database, or of both. A worker's are counted anyway, and read when somebody scrapes; its
 * database is asked for the others every five seconds at the most. While it does not answer, they are missing, and `soniq_up` is 0.
 * No metric has more than 200 queues and names: the others are `other`.
 *
 * @param of `worker`: one of this process; `db`: any Drizzle PostgreSQL database, over a connection that nobody keeps busy
 */
export function createMetrics(of: { readonly worker?: Worker; readonly db?: Queryable }): Metrics {
  checkObject(of, "of", "give an object with `worker`, `db` or both");
  const { worker, db } = of;
  return metricsOf(worker, db && (() => readFigures(db)));
}

/** @see createMetrics */
export function metricsOf(worker: Worker | undefined, read: (() => Promise<Figures>) | undefined): Metrics {
  const metrics = new MetricSet();
  if (worker) addWorkerMetrics(metrics, worker);
  if (read) addDatabaseMetrics(metrics, figuresCache(read));
  const { registry } = metrics;
  return {
    registry,
    handler: async () =>
      new Response(await registry.metrics(), {
        headers: { "content-type": registry.contentType, "cache-control": "no-store" },
      }),
  };
}
