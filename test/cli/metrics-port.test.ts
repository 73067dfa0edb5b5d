// What a worker process serves to Prometheus. What the numbers are: test/metrics.
import { createServer, type AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { enqueue } from "../../src/index.ts";
import { hold } from "../support/child.config.ts";
import { type ChildWorker, openLedger, startChild } from "../support/child.ts";
import { testDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";

const { db, url, sql } = await testDatabase();
const ledger = await openLedger(sql);

/** Where a process serves them. */
async function addressOf(child: ChildWorker): Promise<string> {
  const [, address] = /metrics: (http:\S+?)\/metrics/.exec(await child.said("/metrics")) as string[];
  return (address as string).replace("[::]", "127.0.0.1").replace("0.0.0.0", "127.0.0.1");
}

test("a worker process serves what it counts, and what PostgreSQL says of the queues", async () => {
  const child = startChild(url, { args: ["--metrics-port", "0", "--health-port", "0"] });
  const address = await addressOf(child);
  await enqueue(db, hold, { n: 1 });
  await ledger.noted(1, "started");
  await ledger.letGo(1);
  const text = await until(async () => {
    const response = await fetch(`${address}/metrics`);
    expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    const served = await response.text();
    return served.includes('soniq_attempts_total{queue="default",name="hold",outcome="completed"} 1') && served;
  });
  expect(text).toContain("\nsoniq_up 1\n");
  expect(text).toContain("\nsoniq_workers 1\n");
  expect(text).toContain("\nsoniq_slots 3\n");
  expect(text).toContain('\nsoniq_queue_due{queue="default"} 0\n');
  expect((await fetch(`${address}/`)).status).toBe(404);
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  expect(await sql`select from soniq_stats where measure = 'completed' and count = 1`).toHaveLength(1);
});

test("while PostgreSQL does not answer, it serves the rest, and says so", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
  afterAll(() => silent.close());
  const elsewhere = new URL(url);
  elsewhere.port = String((silent.address() as AddressInfo).port);
  const child = startChild(elsewhere.href, { args: ["--metrics-port", "0", "--metrics-host", "127.0.0.1"] });
  const text = await (await fetch(`${await addressOf(child)}/metrics`)).text();
  expect(text).toContain("\nsoniq_up 0\n");
  expect(text).toContain("\nsoniq_slots 3\n");
  expect(text).toContain("\nsoniq_ready 0\n");
  expect(text).not.toMatch(/^soniq_(queue|workers)/m);
});

test("a taken port is one sentence", async () => {
  const child = startChild(url, { args: ["--metrics-port", "0", "--metrics-host", "127.0.0.1"] });
  const { port } = new URL(await addressOf(child));
  const second = startChild(url, { args: ["--metrics-port", port, "--metrics-host", "127.0.0.1"] });
  expect(await second.exited).toBe(1);
  expect(second.complaints()).toBe(
    `soniq-drizzle: cannot listen on --metrics-port ${port}: the port is in use: stop the process that listens on it, or give another port\n`,
  );
});
