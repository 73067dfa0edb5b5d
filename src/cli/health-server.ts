import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { errorCode, SoniqError } from "../core/errors.js";
import type { Health } from "../worker/health.js";

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
export async function serveHealth(health: () => Health, port: number, hostname?: string): Promise<string> {
  const app = new Hono();
  for (const aspect of ["live", "ready"] as const) {
    app.get(healthPaths[aspect], (c) => {
      const now = health();
      return c.json(now, now[aspect] ? 200 : 503, { "cache-control": "no-store" });
    });
  }
  app.notFound((c) => c.text(`There are ${healthPaths.live} and ${healthPaths.ready}.\n`, 404));
  const address = await new Promise<AddressInfo>((listening, failed) => {
    serve({ fetch: app.fetch, port, ...(hostname !== undefined && { hostname }) }, listening).once("error", failed);
  }).catch((error: unknown) => {
    throw new SoniqError(`cannot listen on --health-port ${port}: ${reason(error)}`);
  });
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

function reason(error: unknown): string {
  const code = errorCode(error);
  if (code === "EADDRINUSE") return "it is taken: stop what listens there, or give another port";
  if (code === "EACCES") return "this user may not listen there: give a port above 1023";
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") return "this machine has no such address: check --health-host";
  return String(code ?? error);
}
