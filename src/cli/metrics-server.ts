import { Hono } from "hono";
import type { PgliteConnection } from "../database/pglite-connection.js";
import { buildMetrics } from "../metrics/create-metrics.js";
import { readFigures } from "../metrics/read-figures.js";
import type { Worker } from "../worker/create-worker.js";
import { listen } from "./listen.js";
import { type ProbeOptions, checkProbeHost } from "./probe-hosts.js";
import { type OpenDatabase, openDatabase } from "./open-database.js";

export const metricsPath = "/metrics";

/**
 * Serves metrics to Prometheus: the worker's own counts, and figures from the database if it can be reached. The figures are
 * read over a separate connection, so other work does not delay them.
 *
 * @param port 0 for any free port
 * @param options `hostname`: default all addresses, because Prometheus runs on another host
 * @returns the address that it listens on
 * @throws SoniqError if it cannot listen there
 */
export function serveMetrics(
  worker: Worker,
  connection: string | PgliteConnection,
  port: number,
  { hostname, allowedHosts = [] }: ProbeOptions = {},
): Promise<string> {
  let database: OpenDatabase | undefined;
  const metrics = buildMetrics(worker, async () => {
    database ??= await openDatabase(connection);
    return readFigures(database.db);
  });
  const app = new Hono();
  app.use(checkProbeHost(hostname === undefined ? allowedHosts : [...allowedHosts, hostname]));
  app.get(metricsPath, () => metrics.handler());
  app.notFound((c) => c.text(`Not found: the path is ${metricsPath}.\n`, 404));
  return listen(app.fetch, { port, hostname, optionPrefix: "--metrics" });
}
