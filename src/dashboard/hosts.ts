import { isIPv4, isIPv6 } from "node:net";
import { InvalidValueError, describeValue } from "../core/errors.js";

/** A name or an IPv4 address, or an IPv6 address in brackets, and perhaps a port. */
const hostShape = /^(\[[0-9a-f:.]{2,45}\]|[^\s/\\?#@:[\]%]{1,253})(?::\d{1,5})?$/i;
const loopback = ["localhost", "127.0.0.1", "[::1]"];

/** A host's name without its port, as URLs write it; undefined for what is none. */
export function hostNameOf(host: string): string | undefined {
  const [, name] = hostShape.exec(host) ?? [];
  return name !== undefined && URL.canParse(`http://${name}`) ? new URL(`http://${name}`).hostname : undefined;
}

/** An address as a URL has it. */
export function hostOfAddress(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}

/** Whether what listens at an address can be reached from this machine alone. */
export function isLoopback(address: string): boolean {
  const name = hostNameOf(hostOfAddress(address));
  return name !== undefined && (loopback.includes(name) || (isIPv4(name) && name.startsWith("127.")));
}

/**
 * Which hosts requests may name. A page elsewhere can have its own name point to this machine, and would then be let in as if
 * it were ours: but its requests name its host.
 *
 * @param hosts beside those of this machine
 * @throws InvalidValueError for what is no host
 */
export function allowedHosts(hosts: readonly string[]): (request: Request) => boolean {
  const names = hosts.map((host, i) => {
    const name = hostNameOf(host);
    if (name === undefined)
      throw new InvalidValueError(`hosts[${i}]`, `is ${describeValue(host)}: give a name such as "jobs.example.com"`);
    return name;
  });
  const allowed = new Set([...loopback, ...names]);
  return (request) => {
    const name = hostNameOf(hostOf(request));
    return name !== undefined && allowed.has(name);
  };
}

/** What was asked: HTTP/2 has it in the URL alone. */
export function hostOf({ headers, url }: Request): string {
  return headers.get("host") ?? new URL(url).host;
}
