import { isIPv4, isIPv6 } from "node:net";
import { InvalidValueError, describeValue } from "../core/errors.js";

/** A name, an IPv4 address or an IPv6 address in brackets, with an optional port. */
const hostShape = /^(\[[0-9a-f:.]{2,45}\]|[^\s/\\?#@:[\]%]{1,253})(?::\d{1,5})?$/i;
const loopback = ["localhost", "127.0.0.1", "[::1]"];

/** Returns a host's name without its port, normalized as in URLs; undefined for an invalid host. */
export function parseHostName(host: string): string | undefined {
  const [, name] = hostShape.exec(host) ?? [];
  return name !== undefined && URL.canParse(`http://${name}`) ? new URL(`http://${name}`).hostname : undefined;
}

/** Formats an address for a URL: IPv6 in brackets. */
export function formatAddress(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}

/** Whether an address is reachable only from this machine. */
export function isLoopback(address: string): boolean {
  const name = parseHostName(formatAddress(address));
  return name !== undefined && (loopback.includes(name) || (isIPv4(name) && name.startsWith("127.")));
}

/**
 * Creates a check of a request's host, against DNS rebinding: another site can point its own name to this machine, and its page
 * would then count as same-origin. Its requests still name its own host, so an allowlist stops them.
 *
 * @param hosts hosts to allow, in addition to the loopback hosts
 * @throws InvalidValueError for an invalid host
 */
export function createHostCheck(hosts: readonly string[]): (request: Request) => boolean {
  const names = hosts.map((host, i) => {
    const name = parseHostName(host);
    if (name === undefined)
      throw new InvalidValueError(`hosts[${i}]`, `is ${describeValue(host)}: give a name such as "jobs.example.com"`);
    return name;
  });
  const allowed = new Set([...loopback, ...names]);
  return (request) => {
    const name = parseHostName(getHost(request));
    return name !== undefined && allowed.has(name);
  };
}

/** Returns the host that a request names. HTTP/2 has no `host` header, so the URL's host is the fallback. */
export function getHost({ headers, url }: Request): string {
  return headers.get("host") ?? new URL(url).host;
}
