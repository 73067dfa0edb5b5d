// Where webhooks may go: nobody's network inside, however its address is written or resolved.
import { isIPv6 } from "node:net";
import { describe, expect, test } from "vitest";
import { resolveAddresses, parseUrl, isPublic, parseNetworks } from "../../src/webhooks/addresses.ts";

const none = parseNetworks([]);

/** What addresses of networks inside look like, in an URL or in a resolver's answer. */
const inside = [
  // This host, private networks, carriers' networks, loopback.
  "0.0.0.0",
  "0.1.2.3",
  "10.0.0.1",
  "10.255.255.255",
  "100.64.0.1",
  "100.127.255.255",
  "127.0.0.1",
  "127.1.2.3",
  "127.255.255.255",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.0.1",
  "192.168.255.255",
  // Link-local: the clouds' metadata.
  "169.254.0.1",
  "169.254.169.254",
  "169.254.170.2",
  // Protocols', documentation's, benchmarks', relays'.
  "192.0.0.1",
  "192.0.0.192",
  "192.0.2.1",
  "192.88.99.1",
  "198.18.0.1",
  "198.19.255.255",
  "198.51.100.1",
  "203.0.113.1",
  // Multicast, reserved, broadcast.
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
  // Loopback, unspecified, link-local, unique local, site-local, multicast.
  "::1",
  "::",
  "fe80::1",
  "febf::1",
  "fc00::1",
  "fd00::1",
  "fd00:ec2::254",
  "fec0::1",
  "ff02::1",
  "ff0e::1",
  // IPv4 in IPv6: mapped, compatible, translated, 6to4, Teredo.
  "::ffff:127.0.0.1",
  "::ffff:10.0.0.1",
  "::ffff:169.254.169.254",
  "::ffff:7f00:1",
  "::ffff:0:127.0.0.1",
  "::127.0.0.1",
  "::7f00:1",
  "64:ff9b::7f00:1",
  "64:ff9b::10.0.0.1",
  "64:ff9b:1::1",
  "2002:7f00:1::",
  "2002:a00:1::1",
  "2001::1",
  "2001:0:7f00:1::",
  "2001:10::1",
  "2001:20::1",
  "2001:db8::1",
  "3fff::1",
  "100::1",
  "5f00::1",
];

/** The same in an URL's other spellings. */
const spelled = [
  "2130706433",
  "017700000001",
  "0x7f000001",
  "0x7f.1",
  "127.1",
  "127.0.1",
  "0177.0.0.1",
  "0x7f.0x0.0x0.0x1",
  "10.1",
  "167772161",
  "2852039166",
  "0xa9fea9fe",
  "0251.0376.0251.0376",
  "127.0.0.1.",
  "１２７.0.0.1",
  "127。0。0。1",
  "0",
];

const bracketed = (address: string) => (isIPv6(address) ? `[${address}]` : address);

test("sixty addresses and more are tried", () => expect(inside.length + spelled.length).toBeGreaterThan(60));

test.each([...inside, ...spelled])("%s is refused in an URL", (address) => {
  expect(() => parseUrl(`https://${bracketed(address)}/`, none)).toThrow("at a public address");
});

test.each(inside)("%s is refused as what a name resolves to, also beside a public one", async (address) => {
  const url = parseUrl("https://example.com/", none);
  const family = isIPv6(address) ? 6 : 4;
  const answers = [
    { address: "93.184.216.34", family: 4 },
    { address, family },
  ];
  for (const lookUp of [async () => answers.slice(1), async () => answers])
    await expect(resolveAddresses(url, none, lookUp)).rejects.toThrow("at a public address");
});

test("why is said without the address, which would tell of the network inside", async () => {
  const lookUp = async () => [{ address: "10.1.2.3", family: 4 }];
  const error = await resolveAddresses(new URL("https://db.example.com/"), none, lookUp).catch(String);
  expect(error).not.toContain("10.1.2.3");
});

test.each([
  "1.1.1.1",
  "8.8.8.8",
  "93.184.216.34",
  "100.128.0.1",
  "172.32.0.1",
  "192.0.1.1",
  "198.20.0.1",
  "223.255.255.255",
])("%s is public", (address) => expect(isPublic(address)).toBe(true));

test.each(["2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001::1", "2001:200::1"])(
  "%s is public",
  (address) => expect(isPublic(address)).toBe(true),
);

describe("of an URL are refused", () => {
  test.each([
    ["http", "http://example.com/", "https on port 443"],
    ["another port", "https://example.com:8443/", "https on port 443"],
    ["another scheme", "file:///etc/passwd", "begins with file:"],
    ["a user name", "https://me@example.com/", "user name or password"],
    ["a password", "https://:hunter2@example.com/", "user name or password"],
    ["what is none", "example.com", "is not a URL"],
  ])("%s", (_what, url, message) => {
    expect(() => parseUrl(url, none)).toThrow(message);
    expect(() => parseUrl(url, none)).not.toThrow("hunter2");
  });
});

describe("where a network is allowed", () => {
  const allowed = parseNetworks(["10.1.0.0/16", "fd00::/8"]);

  test("its addresses are reached by http and on any port, and no others", async () => {
    const lookUp = (address: string) => async () => [{ address, family: isIPv6(address) ? 6 : 4 }];
    const url = parseUrl("http://inside.example:8080/", allowed);
    expect(await resolveAddresses(url, allowed, lookUp("10.1.2.3"))).toEqual([{ address: "10.1.2.3", family: 4 }]);
    expect(await resolveAddresses(url, allowed, lookUp("fd00::1"))).toHaveLength(1);
    for (const address of ["10.2.0.1", "169.254.169.254", "8.8.8.8"])
      await expect(resolveAddresses(url, allowed, lookUp(address))).rejects.toThrow("webhooks.allow");
  });

  test("the public ones are still reached, by https", async () => {
    const lookUp = async () => [{ address: "8.8.8.8", family: 4 }];
    expect(await resolveAddresses(parseUrl("https://example.com/", allowed), allowed, lookUp)).toHaveLength(1);
  });

  test.each(["10.1.0.0", "10.1.0.0/33", "10.1.0.0/x", "/8", "10.1.0.0/8/8", "example.com/8", "::/129"])(
    "%s is not a network",
    (range) => expect(() => parseNetworks([range], "webhooks.allow")).toThrow("webhooks.allow[0] is not a network"),
  );
});
