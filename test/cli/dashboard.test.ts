// `soniq-drizzle dashboard`, from its start to its end.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";
import { soniqArguments } from "../support/programs.ts";

const { url, sql } = await testDatabase();
const root = fileURLToPath(new URL("../..", import.meta.url));
const children: ChildProcess[] = [];
afterEach(() => children.splice(0).forEach((child) => child.kill("SIGKILL")));

interface Served {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  said(): string;
  /** The link that it has printed. */
  link(): Promise<URL>;
}

function serve(args: readonly string[], env: Record<string, string> = {}, connection = url): Served {
  const child = spawn(process.execPath, soniqArguments(["dashboard", ...args]), {
    cwd: root,
    env: { ...process.env, DATABASE_URL: connection, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return {
    child,
    ended: once(child, "close").then(([status]) => status as number | null),
    said: () => said,
    link: async () => new URL(await until(async () => /http:\S+/.exec(said)?.[0])),
  };
}

const tokenOf = (link: URL) => new URLSearchParams(link.hash.slice(1)).get("token") as string;
const api = (link: URL, path: string, token = tokenOf(link), init: RequestInit = {}) =>
  fetch(new URL(`/api/${path}`, link), {
    ...init,
    headers: { authorization: `Bearer ${token}`, "x-soniq": "1" },
  });

/** A request of a browser that was led here under another name. */
async function statusUnder(host: string, link: URL, token: string): Promise<number | undefined> {
  const headers = { host, authorization: `Bearer ${token}` };
  const sent = request(new URL("/api/session", link), { headers }).end();
  const [response] = (await once(sent, "response")) as [{ statusCode?: number; resume(): void }];
  response.resume();
  return response.statusCode;
}

test("prints a link to this machine with a new token, shows what there is, and ends in order with streams open", async () => {
  const served = serve(["--port", "0"]);
  const link = await served.link();
  expect(link.hostname).toBe("127.0.0.1");
  expect(tokenOf(link)).toMatch(/^[\w-]{32}$/);
  expect(served.said()).toContain("read-only: --write allows changes");
  expect(served.said()).not.toContain(new URL(url).password);
  expect((await fetch(new URL("/", link))).headers.get("content-type")).toMatch(/^text\/html/);
  expect((await api(link, "session", "another-token-than-that")).status).toBe(401);
  expect(await (await api(link, "session")).json()).toMatchObject({ writable: false });
  expect((await api(link, "queues/a/pause", undefined, { method: "POST" })).status).toBe(403);
  expect(await statusUnder("evil.example", link, tokenOf(link))).toBe(421);
  const events = ((await api(link, "live")).body as ReadableStream<Uint8Array>).getReader();
  await events.read();
  served.child.kill("SIGINT");
  expect(await served.ended).toBe(0);
});

test("with --write it changes things", async () => {
  const link = await serve(["--port", "0", "--write"]).link();
  expect((await api(link, "queues/mail/pause", undefined, { method: "POST" })).status).toBe(200);
  expect(await sql`select from soniq_queues where paused_at is not null`).toHaveLength(1);
  expect(await sql`select actor, action from soniq_audit where target = 'mail'`).toEqual([
    { actor: "unnamed", action: "queue.pause" },
  ]);
});

describe("a token that is given", () => {
  const token = "0123456789abcdef";

  test("is the one that counts, and is printed nowhere", async () => {
    const served = serve(["--port", "0", "--allow-host", "jobs.example.com"], { SONIQ_DASHBOARD_TOKEN: token });
    const link = await served.link();
    expect((await api(link, "session", token)).status).toBe(200);
    expect(await statusUnder("jobs.example.com", link, token)).toBe(200);
    expect(served.said()).not.toContain(token);
  });

  test("is needed where others can reach it", async () => {
    const served = serve(["--port", "0", "--host", "0.0.0.0"]);
    expect(await served.ended).toBe(2);
    expect(served.said()).toMatch(
      /--host 0\.0\.0\.0 makes the dashboard reachable from other machines: choose a token/,
    );
  });

  test("has it listen there, for the hosts that are named", async () => {
    const served = serve(["--port", "0", "--host", "0.0.0.0"], { SONIQ_DASHBOARD_TOKEN: token });
    expect((await served.link()).hostname).toBe("0.0.0.0");
    await until(async () => served.said().includes("name the hosts under which browsers request it with --allow-host"));
  });

  test("that is too short is refused", async () => {
    const served = serve(["--port", "0", "--token", "short"]);
    expect(await served.ended).toBe(2);
    expect(served.said()).toContain("give 16 characters or more");
  });
});

test("a port that is taken, and a database without the tables, are said", async () => {
  const { port } = await serve(["--port", "0"]).link();
  const second = serve(["--port", port]);
  expect(await second.ended).toBe(1);
  expect(second.said()).toContain(`cannot listen on --port ${port}: the port is in use`);
  const { url: empty } = await testDatabase({ migrated: false });
  const third = serve(["--port", "0"], {}, empty);
  expect(await third.ended).toBe(1);
  expect(third.said()).toContain("is missing");
});
