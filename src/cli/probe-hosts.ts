import { hostname } from "node:os";
import type { MiddlewareHandler } from "hono";
import { parseHostName, getHost } from "../dashboard/hosts.js";

/** The addresses of a server for probes or metrics. */
export interface ProbeOptions {
  /** The address to listen on. Default: all addresses. */
  readonly hostname?: string | undefined;
  /** Host names that requests may use, in addition to IP addresses, this machine's name and cluster-internal names. */
  readonly allowedHosts?: readonly string[] | undefined;
}

/**
 * Creates a middleware that refuses requests whose host may belong to another site, against DNS rebinding: another site can
 * point its own name to this machine, and its page could then read the responses. Its requests still name its own host, which
 * has a public suffix. Probes and scrapers name an IP address, `localhost`, this machine or a cluster-internal name.
 *
 * @param allowedHosts further names to allow
 */
export function checkProbeHost(allowedHosts: readonly string[]): MiddlewareHandler {
  const names = new Set([hostname(), ...allowedHosts].map((name) => parseHostName(name) ?? name.toLowerCase()));
  return async (c, next) => {
    const name = parseHostName(getHost(c.req.raw));
    if (name !== undefined && (isInternal(name) || names.has(name))) return next();
    return c.text("This host is not allowed: add it to --allow-host.\n", 421);
  };
}

/** Whether nobody can own the name in the public DNS: an IP address, a name without a dot, or one with a reserved suffix. */
function isInternal(name: string): boolean {
  return isAddress(name) || !name.includes(".") || /\.(localhost|internal|svc|svc\.cluster\.local)$/.test(name);
}

/** Whether a host name in URL format is an IP address: IPv6 is in brackets. */
function isAddress(name: string): boolean {
  return name.startsWith("[") || /^\d+(\.\d+){3}$/.test(name);
}
