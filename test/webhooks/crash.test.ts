// Worker and receiver are processes of their own, and one of them dies at the worst moment.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { afterEach, expect, test } from "vitest";
import { publishEvent, defineEvent, listDeliveries, registerEndpoint } from "../../src/webhooks.ts";
import { startChild } from "../support/child.ts";
import { testDatabase } from "../support/database.ts";
import { webhooks } from "../support/receiver.ts";
import { until } from "../support/until.ts";

const { db, url } = await testDatabase();
const pinged = defineEvent({ name: "pinged", payload: v.number() });
const program = fileURLToPath(new URL("../support/receiver-process.ts", import.meta.url));

let stopReceiver = () => {};
afterEach(() => stopReceiver());

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Starts it, and resolves once it listens. */
async function startReceiver(secret: string, port: number) {
  const child = spawn(process.execPath, ["--import", "tsx", program, secret, String(port)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  stopReceiver = () => child.kill("SIGKILL");
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await until(async () => output.includes("at http"));
  return {
    letAnswer: () => void child.stdin.write("go\n"),
    lines: () => output.split("\n").filter((line) => line.startsWith("got")),
  };
}

test("a worker that is killed after it sent, and before that was written down, has another one send it again with the same id", async () => {
  const port = await freePort();
  const { id: endpoint, secret } = await registerEndpoint(db, webhooks, {
    allTenants: true,
    events: "all",
    url: `http://127.0.0.1:${port}/`,
  });
  const receiver = await startReceiver(secret, port);
  const { id, deliveries } = await publishEvent(db, pinged, 7);
  const settings = { config: "webhooks.config.ts", lease: "1s" };
  const first = startChild(url, settings);
  await until(async () => receiver.lines().length === 1);
  first.kill("SIGKILL");
  await first.exited;
  receiver.letAnswer();
  startChild(url, settings);
  await until(async () => (await listDeliveries(db, endpoint)).deliveries[0]?.state === "completed");
  expect(receiver.lines()).toEqual([`got 7 as ${id}`, `got 7 as ${id}`]);
  expect((await listDeliveries(db, endpoint)).deliveries).toMatchObject([
    { id: deliveries[0], attempt: 1, failures: [], answer: { status: 204 } },
  ]);
});
