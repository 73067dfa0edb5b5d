import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import { InvalidValueError, SoniqError } from "../core/errors.js";

/** IPv4 ranges outside the public internet: IANA's special-purpose registry, multicast and reserved addresses. */
const specialIPv4 = parseNetworks([
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
]);
/**
 * The public IPv6 range. It excludes loopback, local, mapped (`::ffff:0:0/96`), translated (`64:ff9b::/96`) and
 * multicast addresses.
 */
const globalUnicast = parseNetworks(["2000::/3"]);
/**
 * Special-purpose ranges inside `globalUnicast`: Teredo and other protocols, documentation, and 6to4, which embeds IPv4
 * addresses.
 */
const specialIPv6 = parseNetworks(["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]);

/** @param ranges in CIDR notation @throws InvalidValueError naming the first entry that is not CIDR */
export function parseNetworks(ranges: readonly string[], path = "networks"): BlockList {
  const list = new BlockList();
  for (const [i, range] of ranges.entries()) {
    const [network = "", prefixLength = "", ...rest] = String(range).split("/");
    const version = isIP(network);
    const isValidPrefix = /^\d{1,3}$/.test(prefixLength) && Number(prefixLength) <= (version === 4 ? 32 : 128);
    if (version === 0 || !isValidPrefix || rest.length > 0)
      throw new InvalidValueError(
        `${path}[${i}]`,
        "is not a network: give an address and a prefix length, as in 10.0.0.0/8",
      );
    list.addSubnet(network, Number(prefixLength), version === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

/** Whether an address belongs to the public internet. */
export function isPublic(address: string): boolean {
  if (isIPv4(address)) return !specialIPv4.check(address);
  return globalUnicast.check(address, "ipv6") && !specialIPv6.check(address, "ipv6");
}

/** Resolves a host's name to all its addresses. */
export type HostResolver = (host: string) => Promise<readonly LookupAddress[]>;

/**
 * Runs on libuv's thread pool, which has four threads by default: a slow lookup delays other lookups and file access.
 */
const resolveWithSystem: HostResolver = (host) => lookup(host, { all: true });

/**
 * Parses a URL and checks everything that needs no DNS lookup.
 *
 * @param allowed networks that may be reached over plain http and on any port
 * @throws InvalidValueError if webhooks may not be sent to the URL
 */
export function parseUrl(text: string, allowed: BlockList): URL {
  if (!URL.canParse(text))
    throw new InvalidValueError("url", "is not a URL: give one such as https://example.com/hooks");
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new InvalidValueError("url", `begins with ${url.protocol}: give a URL that begins with https:`);
  if (url.username || url.password)
    throw new InvalidValueError("url", "contains a user name or password: send them in `headers` instead");
  const host = getHost(url);
  if (allowed.rules.length === 0 && !isHttpsOnDefaultPort(url)) throw new InvalidValueError("url", urlRule);
  if (isIP(host) !== 0 && !isAllowed(url, host, allowed)) throw new InvalidValueError("url", urlRule);
  return url;
}

/**
 * Resolves a URL's host and checks every address. Connect only to these addresses: a second lookup could return others
 * (DNS rebinding).
 *
 * @throws SoniqError if the host has no address, or an address that must not be reached. The message does not reveal
 *   which: that would describe the internal network
 */
export async function resolveAddresses(
  url: URL,
  allowed: BlockList,
  resolveHost: HostResolver = resolveWithSystem,
): Promise<readonly LookupAddress[]> {
  const host = getHost(url);
  const version = isIP(host);
  // A failed lookup counts as "no address": the error must not reveal whether an internal name exists.
  const addresses = version === 0 ? await resolveHost(host).catch(() => []) : [{ address: host, family: version }];
  if (addresses.length === 0 || !addresses.every(({ address }) => isAllowed(url, address, allowed)))
    throw new SoniqError(`the host of the URL has no address, or one that must not be reached: the URL ${urlRule}`);
  return addresses;
}

const urlRule = "must be https on port 443 at a public address, unless webhooks.allow contains its network";

function isAllowed(url: URL, address: string, allowed: BlockList): boolean {
  if (allowed.check(address, isIPv6(address) ? "ipv6" : "ipv4")) return true;
  return isHttpsOnDefaultPort(url) && isPublic(address);
}

function isHttpsOnDefaultPort({ protocol, port }: URL): boolean {
  return protocol === "https:" && port === "";
}

/**
 * Returns the host without an IPv6 address's brackets. `URL` has already expanded decimal, octal and short IPv4
 * addresses.
 */
function getHost({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}
