// examples/dashboard: each runs, shows the page to everybody, and data to those who may see it.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import { sessionCookie } from "../../examples/dashboard/login.ts";
import { testDatabase } from "../support/database.ts";

vi.stubEnv("SESSION_SECRET", "what signs the cookies of this test");
const { url, sql } = await testDatabase();
const root = fileURLToPath(new URL("../..", import.meta.url));
const children: ChildProcess[] = [];
afterAll(() => children.forEach((child) => child.kill("SIGKILL")));

/** Starts an example's server. @returns the link that it prints */
async function start(file: string): Promise<URL> {
  const child = spawn(process.execPath, ["--import", "tsx", `examples/dashboard/${file}`], {
    cwd: root,
    env: { ...process.env, DATABASE_URL: url, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [line] = (await child.stdout.take(1).toArray()) as [Buffer];
  return new URL(line.toString().trim());
}

const pause = (headers: Record<string, string>) => ({ method: "POST", headers: { "x-soniq": "1", ...headers } });
const isPaused = async (queue: string) =>
  (await sql`select from soniq_queues where name = ${queue} and paused_at is not null`).length > 0;

/** The page, and the files that it names. */
async function pageOf(base: URL): Promise<void> {
  const page = await fetch(base);
  expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
  const files = [...(await page.text()).matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(
    ([, file]) => file as string,
  );
  expect(files).toHaveLength(2);
  for (const file of files) expect((await fetch(new URL(file, base))).status).toBe(200);
}

test("within Hono, whoever has the token sees and changes things", async () => {
  const link = await start("hono.ts");
  await pageOf(new URL(link.pathname, link));
  const token = new URLSearchParams(link.hash.slice(1)).get("token") as string;
  const authorization = { authorization: `Bearer ${token}` };
  expect((await fetch(new URL("api/queues", link))).status).toBe(401);
  expect((await fetch(new URL("api/queues", link), { headers: authorization })).status).toBe(200);
  expect((await fetch(new URL("api/queues/hono/pause", link), pause(authorization))).status).toBe(200);
  expect(await isPaused("hono")).toBe(true);
  const live = await fetch(new URL("api/live", link), { headers: authorization });
  const events = (live.body as ReadableStream<Uint8Array>).getReader();
  expect(new TextDecoder().decode((await events.read()).value)).toMatch(/^event: overview/);
  await events.cancel();
});

test("within Express, whoever is logged in sees things, and ada changes them", async () => {
  const link = await start("express.ts");
  const base = new URL("/admin/jobs/", link);
  await pageOf(base);
  await pageOf(new URL("/admin/jobs", link));
  const login = await fetch(link, { redirect: "manual" });
  expect(login.headers.get("location")).toBe("/admin/jobs");
  const cookie = login.headers.get("set-cookie")?.split(";")[0] as string;
  expect((await fetch(new URL("api/queues", base))).status).toBe(403);
  expect((await fetch(new URL("api/queues", base), { headers: { cookie } })).status).toBe(200);
  expect((await fetch(new URL("api/queues", base), { headers: { cookie: cookie.replace("ada", "eve") } })).status).toBe(
    403,
  );
  expect((await fetch(new URL("api/queues/express/pause", base), pause({ cookie: sessionCookie("eve") }))).status).toBe(
    403,
  );
  expect(await isPaused("express")).toBe(false);
  const headers = { cookie, "content-type": "application/json" };
  expect((await fetch(new URL("api/queues/express/pause", base), { ...pause(headers), body: "{}" })).status).toBe(200);
  expect(await isPaused("express")).toBe(true);
  expect(await sql`select actor, outcome from soniq_audit where target = 'express' order by id`).toEqual([
    { actor: "eve", outcome: expect.stringContaining("refused") },
    { actor: "ada", outcome: expect.stringContaining("paused") },
  ]);
});

describe("within Next.js", () => {
  test("its route answers those who are logged in", async () => {
    process.env["DATABASE_URL"] = url;
    const route = (await import("../../examples/dashboard/next/app/soniq/[[...path]]/route.ts")) as {
      GET(request: Request): Promise<Response>;
      POST(request: Request): Promise<Response>;
    };
    const at = (path: string, init: RequestInit = {}) => new Request(`http://localhost:3000/soniq${path}`, init);
    expect(await (await route.GET(at(""))).text()).toContain(`src="/soniq/app.js"`);
    expect((await route.GET(at("/app.js"))).status).toBe(200);
    expect((await route.GET(at("/api/queues"))).status).toBe(403);
    const cookie = sessionCookie("ada");
    expect((await route.GET(at("/api/queues", { headers: { cookie } }))).status).toBe(200);
    expect((await route.POST(at("/api/queues/next/pause", pause({ cookie })))).status).toBe(200);
    expect(await isPaused("next")).toBe(true);
  });
});
