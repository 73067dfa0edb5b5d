import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import { InvalidValueError, SoniqError } from "../core/errors.js";

/** What is not the public internet: the special-purpose addresses of IANA's registry, multicast, and what is reserved. */
const specialIPv4 = networks([
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
/** Outside of it are loopback, local, mapped (`::ffff:0:0/96`) and translated (`64:ff9b::/96`) addresses, and multicast. */
const globalUnicast = networks(["2000::/3"]);
/** Within that: Teredo and other protocols', documentation's, and 6to4's, which carry IPv4 addresses. */
const specialIPv6 = networks(["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]);

/** @param ranges in CIDR notation @throws InvalidValueError for what is none */
export function networks(ranges: readonly string[], what = "networks"): BlockList {
  const list = new BlockList();
  for (const [i, range] of ranges.entries()) {
    const [network = "", bits = "", ...more] = String(range).split("/");
    const version = isIP(network);
    const isPrefix = /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
    if (version === 0 || !isPrefix || more.length > 0)
      throw new InvalidValueError(`${what}[${i}]`, "is no network: give an address and a prefix, as in 10.0.0.0/8");
    list.addSubnet(network, Number(bits), version === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

/** Whether an address belongs to the public internet. */
export function isPublic(address: string): boolean {
  if (isIPv4(address)) return !specialIPv4.check(address);
  return globalUnicast.check(address, "ipv6") && !specialIPv6.check(address, "ipv6");
}

/** Resolves a host's name to all its addresses. */
export type Lookup = (host: string) => Promise<readonly LookupAddress[]>;

/** Runs on libuv's threads, of which there are four by default: names that resolve slowly hold up others, and files. */
const systemLookup: Lookup = (host) => lookup(host, { all: true });

/**
 * Checks what an URL says of itself, before anybody is asked for its addresses.
 *
 * @param allowed networks that may be reached by plain http and on any port
 * @throws InvalidValueError for an URL to which nothing may be sent
 */
export function parseUrl(text: string, allowed: BlockList): URL {
  if (!URL.canParse(text)) throw new InvalidValueError("url", "is no URL: give one as in https://example.com/hooks");
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new InvalidValueError("url", `begins with ${url.protocol}: give one that begins with https:`);
  if (url.username || url.password)
    throw new InvalidValueError("url", "has a user name or password in it: give headers instead");
  const host = hostOf(url);
  if (allowed.rules.length === 0 && !isOrdinary(url)) throw new InvalidValueError("url", howToReach);
  if (isIP(host) !== 0 && !mayReach(url, host, allowed)) throw new InvalidValueError("url", howToReach);
  return url;
}

/**
 * The addresses of an URL's host, each of them checked: to be connected to as they are, since a second look-up may answer
 * otherwise.
 *
 * @throws SoniqError if nothing may be sent to one of them, or there is none; which of both, and which one, it does not say:
 *   that would describe the internal network
 */
export async function checkedAddresses(
  url: URL,
  allowed: BlockList,
  lookUp: Lookup = systemLookup,
): Promise<readonly LookupAddress[]> {
  const host = hostOf(url);
  const version = isIP(host);
  // Whether a name exists that must not be reached is not said either.
  const addresses = version === 0 ? await lookUp(host).catch(() => []) : [{ address: host, family: version }];
  if (addresses.length === 0 || !addresses.every(({ address }) => mayReach(url, address, allowed)))
    throw new SoniqError(`its host has no address, or one that may not be reached: its URL ${howToReach}`);
  return addresses;
}

const howToReach =
  "may only be https on port 443 at a public address, unless it is in one of the networks that webhooks.allow names";

function mayReach(url: URL, address: string, allowed: BlockList): boolean {
  if (allowed.check(address, isIPv6(address) ? "ipv6" : "ipv4")) return true;
  return isOrdinary(url) && isPublic(address);
}

function isOrdinary({ protocol, port }: URL): boolean {
  return protocol === "https:" && port === "";
}

/** As it is resolved: without an IPv6 address's brackets. `URL` has written out decimal, octal and short IPv4 addresses. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}
