// The probes of a worker process. What makes it live and ready: test/worker/health.test.ts.
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterAll, expect, test } from "vitest";
import { enqueue, type Health } from "../../src/index.ts";
import { hold } from "../support/child.config.ts";
import { type ChildSettings, type ChildWorker, openLedger, startChild } from "../support/child.ts";
import { testDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";

const { db, url, sql } = await testDatabase();
const ledger = await openLedger(sql);
const anyPort = ["--health-port", "0"];

/** What a process answers to its probes. */
async function probesOf(child: ChildWorker): Promise<(path: string) => Promise<Health & { status: number }>> {
  const [, address] = /health: (http:\S+?)\/livez and \/readyz/.exec(await child.said("and /readyz")) as string[];
  const local = (address as string).replace("[::]", "127.0.0.1").replace("0.0.0.0", "127.0.0.1");
  return async (path) => {
    const response = await fetch(local + path);
    return { status: response.status, ...((await response.json()) as Health) };
  };
}

/** A port of this machine's that takes connections and never answers, as a PostgreSQL that is about to start. */
async function silentServer(): Promise<number> {
  const server: Server = createServer(() => {});
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  afterAll(() => server.close());
  return (server.address() as AddressInfo).port;
}

const child = (settings: ChildSettings = {}, connection = url) =>
  startChild(connection, { args: anyPort, ...settings });

test("a worker that works is live and ready; one that drains is live alone, and answers to its end", async () => {
  const worker = child();
  const probe = await probesOf(worker);
  await until(async () => (await probe("/readyz")).status === 200);
  expect(await probe("/readyz")).toEqual({ status: 200, state: "working", live: true, ready: true, reasons: [] });
  expect(await probe("/livez")).toMatchObject({ status: 200, state: "working" });
  await enqueue(db, hold, { n: 1 });
  await ledger.noted(1, "started");
  worker.kill("SIGTERM");
  await worker.said("SIGTERM: finishing the running jobs");
  expect(await probe("/readyz")).toMatchObject({
    status: 503,
    state: "stopping",
    reasons: [expect.stringContaining("shutting down")],
  });
  expect(await probe("/livez")).toMatchObject({ status: 200 });
  await ledger.letGo(1);
  expect(await worker.exited).toBe(0);
});

test("while it waits for PostgreSQL to answer its first statement, it is live and not ready", async () => {
  const silent = new URL(url);
  silent.port = String(await silentServer());
  const worker = child({}, silent.href);
  const probe = await probesOf(worker);
  expect(await probe("/livez")).toMatchObject({ status: 200, state: "starting" });
  expect(await probe("/readyz")).toMatchObject({ status: 503, ready: false });
  worker.kill("SIGTERM");
  expect(await worker.exited).toBe(0);
});

test("it listens where it is told to, and a taken port is one sentence and exit status 1", async () => {
  const worker = child({ args: [...anyPort, "--health-host", "127.0.0.1"] });
  const [, port] = /http:\/\/127\.0\.0\.1:(\d+)\//.exec(await worker.said("and /readyz")) as string[];
  const second = child({ args: ["--health-port", port as string, "--health-host", "127.0.0.1"] });
  expect(await second.exited).toBe(1);
  expect(second.complaints()).toBe(
    `soniq-drizzle: cannot listen on --health-port ${port}: the port is in use: stop the process that listens on it, or give another port\n`,
  );
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
});
