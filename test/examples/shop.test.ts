// The shop of examples/shop as its user runs it: an embedded PostgreSQL, a mail server that refuses now and then, and
// `npx soniq-drizzle work --drain` as a process of its own.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { until } from "../support/until.ts";

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), "shop-test-"));
afterAll(() => rm(folder, { recursive: true }));

const demo = async (...args: string[]) => {
  const { stdout } = await run("node", ["--import", "tsx", "examples/shop/demo.ts", ...args]);
  return JSON.parse(stdout.trim().split("\n").at(-1) as string) as Record<string, number>;
};

test("each order of the file is invoiced once, rolled back, or a dead letter; none is lost", async () => {
  const valid = Array.from({ length: 20 }, (_, n) => `V-${n},Søren O'Brien ${n},s${n}@example.com,EUR,Tea pot,2,12.50`);
  const file = join(folder, "orders.csv");
  await writeFile(
    file,
    [
      "order,customer,email,currency,item,quantity,unit_price",
      ...valid,
      "I-1,A,a@example.com,EUR,First line is fine,1,1.00",
      "I-1,A,a@example.com,EUR,The second is not,-1,1.00",
      "I-2,B,b@example.com,XXX,No such currency,1,1.00",
      "V-0,C,c@example.com,EUR,A number that is taken,1,1.00",
      "D-1,D,nobody@example.com,EUR,No such mailbox,1,1.00",
    ].join("\n"),
  );
  const { retried, ...totals } = await demo(file, "--json");
  expect(totals).toEqual({ orders: 24, invoiced: 20, rolledBack: 3, dead: 1, lost: 0, duplicated: 0 });
  expect(retried).toBeGreaterThan(0);
});

test("the dashboard shows them, and those that come in meanwhile, until it is interrupted", async () => {
  const file = join(folder, "one.csv");
  const order = "T-1,Ada,ada@example.com,EUR,Tea pot,1,1.00";
  await writeFile(file, `order,customer,email,currency,item,quantity,unit_price\n${order}`);
  const shop = spawn("node", ["--import", "tsx", "examples/shop/demo.ts", file, "--dashboard"]);
  onTestFinished(() => void shop.kill("SIGKILL"));
  const exited = once(shop, "exit");
  let printed = "";
  shop.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const link = await until(async () => /^(http:\/\/\S+\/)#token=(\S+)$/m.exec(printed));
  const [, address, token] = link as unknown as [string, string, string];
  const completed = async () => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${address}api/jobs?name=send-invoice&state=completed`, { headers });
    return ((await response.json()) as { jobs: unknown[] }).jobs.length;
  };
  await until(async () => (await completed()) > 2);
  shop.kill("SIGINT");
  expect(await exited).toEqual([0, null]);
});

test("a file that is not there is one readable sentence", async () => {
  const failing = run("node", ["--import", "tsx", "examples/shop/demo.ts", join(folder, "none.csv"), "--json"]);
  await expect(failing).rejects.toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^.*none\.csv.*\n$/),
  });
});
