import { Hono } from "hono";
import type { PgliteConnection } from "../database/pglite-connection.js";
import { metricsOf } from "../metrics/create-metrics.js";
import { readFigures } from "../metrics/read-figures.js";
import type { Worker } from "../worker/create-worker.js";
import { listen } from "./listen.js";
import { type ProbeOptions, probeHosts } from "./probe-hosts.js";
import { type OpenDatabase, openDatabase } from "./open-database.js";

export const metricsPath = "/metrics";

/**
 * Answers Prometheus: with the worker's counts at once, and with what the database says when it can be reached, over a connection
 * that no other work holds up.
 *
 * @param port 0 for any that is free
 * @param options `hostname`: by default all addresses, since Prometheus is elsewhere
 * @returns where it listens
 * @throws SoniqError if it cannot listen there
 */
export function serveMetrics(
  worker: Worker,
  connection: string | PgliteConnection,
  port: number,
  { hostname, allowedHosts = [] }: ProbeOptions = {},
): Promise<string> {
  let opened: OpenDatabase | undefined;
  const metrics = metricsOf(worker, async () => {
    opened ??= await openDatabase(connection);
    return readFigures(opened.db);
  });
  const app = new Hono();
  app.use(probeHosts(hostname === undefined ? allowedHosts : [...allowedHosts, hostname]));
  app.get(metricsPath, () => metrics.handler());
  app.notFound((c) => c.text(`There is ${metricsPath}.\n`, 404));
  return listen(app.fetch, { port, hostname, options: "--metrics" });
}
