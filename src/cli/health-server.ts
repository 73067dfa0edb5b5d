import { Hono } from "hono";
import type { Health } from "../worker/health.js";
import { listen } from "./listen.js";

/** Whether a restart would do no good, and whether the worker can take jobs now. */
export const healthPaths = { live: "/livez", ready: "/readyz" } as const;

/**
 * Answers the probes of a process manager: 200 or 503, and the worker's health as JSON. A blocked event loop answers nothing,
 * which is a failed probe as well.
 *
 * @param hostname the address to listen on; by default all, since Kubernetes probes a pod by its address
 * @param port 0 for any that is free
 * @returns where it listens, such as `http://[::]:8080`
 * @throws SoniqError if it cannot listen there
 */
export function serveHealth(health: () => Health, port: number, hostname?: string): Promise<string> {
  const app = new Hono();
  for (const aspect of ["live", "ready"] as const) {
    app.get(healthPaths[aspect], (c) => {
      const now = health();
      return c.json(now, now[aspect] ? 200 : 503, { "cache-control": "no-store" });
    });
  }
  app.notFound((c) => c.text(`There are ${healthPaths.live} and ${healthPaths.ready}.\n`, 404));
  return listen(app.fetch, { port, hostname, options: "--health" });
}
