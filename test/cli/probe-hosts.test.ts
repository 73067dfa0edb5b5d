// Health and metrics are read by probes and scrapers, and by no page whose name was pointed to this machine (DNS rebinding).
import { hostname } from "node:os";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { checkProbeHost } from "../../src/cli/probe-hosts.ts";

const statusFor = async (host: string, allowed: readonly string[] = []) => {
  const app = new Hono().use(checkProbeHost(allowed)).get("/metrics", (c) => c.text("figures"));
  return (await app.request("http://localhost/metrics", { headers: { host } })).status;
};

test.each([
  "10.1.2.3:8080",
  "[fd00::1]:8080",
  "localhost:8080",
  "worker:9100",
  "worker.jobs.svc:9100",
  "worker.jobs.svc.cluster.local",
  "host.docker.internal:9100",
  "worker.localhost",
  hostname(),
])("a probe that names %s is answered", async (host) => expect(await statusFor(host)).toBe(200));

test.each([
  "evil.example",
  "evil.example:8080",
  "localhost.evil.example",
  "svc.evil.example",
  "10.1.2.3.nip.io",
  "evilsvc.example",
  "evil.",
  "worker.local",
  "",
  "a b",
])("a page that was loaded from %s is not", async (host) => expect(await statusFor(host)).toBe(421));

test("more names can be allowed", async () => {
  expect(await statusFor("Worker.Example.com:9100", ["worker.example.com"])).toBe(200);
  expect(await statusFor("other.example.com", ["worker.example.com"])).toBe(421);
});
