import { hostname } from "node:os";
import type { MiddlewareHandler } from "hono";
import { hostNameOf, hostOf } from "../dashboard/hosts.js";

/** Where what answers probes or scrapers is reached. */
export interface ProbeOptions {
  /** The address to listen on; by default all. */
  readonly hostname?: string | undefined;
  /** Names that requests may give, beside those that cannot be a stranger's. */
  readonly allowedHosts?: readonly string[] | undefined;
}

/**
 * Refuses requests that name a host that may be a stranger's. By DNS rebinding, a page elsewhere can have its own name point to
 * this machine and then read what it answers: but its requests name its host, which has a public suffix. Probes and scrapers
 * name an address, `localhost`, this machine, or a name that exists inside a cluster only.
 *
 * @param allowed more names
 */
export function probeHosts(allowed: readonly string[]): MiddlewareHandler {
  const names = new Set([hostname(), ...allowed].map((name) => hostNameOf(name) ?? name.toLowerCase()));
  return async (c, next) => {
    const name = hostNameOf(hostOf(c.req.raw));
    if (name !== undefined && (isInternal(name) || names.has(name))) return next();
    return c.text("This host is not known here: name it with --allow-host.\n", 421);
  };
}

/** Names that nobody can own in the public DNS: they have no dot, or end in a word that is reserved. */
function isInternal(name: string): boolean {
  return isAddress(name) || !name.includes(".") || /\.(localhost|internal|svc|svc\.cluster\.local)$/.test(name);
}

/** As a URL writes it: IPv6 in brackets. */
function isAddress(name: string): boolean {
  return name.startsWith("[") || /^\d+(\.\d+){3}$/.test(name);
}
