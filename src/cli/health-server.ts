import { Hono } from "hono";
import type { Health } from "../worker/health.js";
import { listen } from "./listen.js";
import { type ProbeOptions, checkProbeHost } from "./probe-hosts.js";

/** `live` fails if only a restart can help; `ready` fails if the worker cannot take jobs now. */
export const healthPaths = { live: "/livez", ready: "/readyz" } as const;

/**
 * Answers the probes of a process manager with 200 or 503, and with the worker's health as JSON. If the event loop is blocked,
 * the probe times out, which also counts as failed.
 *
 * @param port 0 for any free port
 * @param options `hostname`: default all addresses, because Kubernetes probes a pod at the pod's address
 * @returns the address that it listens on, such as `http://[::]:8080`
 * @throws SoniqError if it cannot listen there
 */
export function serveHealth(
  health: () => Health,
  port: number,
  { hostname, allowedHosts = [] }: ProbeOptions = {},
): Promise<string> {
  const app = new Hono();
  app.use(checkProbeHost(hostname === undefined ? allowedHosts : [...allowedHosts, hostname]));
  for (const probe of ["live", "ready"] as const) {
    app.get(healthPaths[probe], (c) => {
      const current = health();
      return c.json(current, current[probe] ? 200 : 503, { "cache-control": "no-store" });
    });
  }
  app.notFound((c) => c.text(`Not found: the paths are ${healthPaths.live} and ${healthPaths.ready}.\n`, 404));
  return listen(app.fetch, { port, hostname, optionPrefix: "--health" });
}
