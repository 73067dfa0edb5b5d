import { Hono } from "hono";
import type { Health } from "../worker/health.js";
import { listen } from "./listen.js";
import { type ProbeOptions, probeHosts } from "./probe-hosts.js";

/** Whether a restart would do no good, and whether the worker can take jobs now. */
export const healthPaths = { live: "/livez", ready: "/readyz" } as const;

/**
 * Answers the probes of a process manager: 200 or 503, and the worker's health as JSON. A blocked event loop answers nothing,
 * which is a failed probe as well.
 *
 * @param port 0 for any that is free
 * @param options `hostname`: by default all addresses, since Kubernetes probes a pod by its own
 * @returns where it listens, such as `http://[::]:8080`
 * @throws SoniqError if it cannot listen there
 */
export function serveHealth(
  health: () => Health,
  port: number,
  { hostname, allowedHosts = [] }: ProbeOptions = {},
): Promise<string> {
  const app = new Hono();
  app.use(probeHosts(hostname === undefined ? allowedHosts : [...allowedHosts, hostname]));
  for (const aspect of ["live", "ready"] as const) {
    app.get(healthPaths[aspect], (c) => {
      const now = health();
      return c.json(now, now[aspect] ? 200 : 503, { "cache-control": "no-store" });
    });
  }
  app.notFound((c) => c.text(`There are ${healthPaths.live} and ${healthPaths.ready}.\n`, 404));
  return listen(app.fetch, { port, hostname, options: "--health" });
}
