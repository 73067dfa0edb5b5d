// What browsers are made to do by pages elsewhere, and what they are told in turn.
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { serve } from "@hono/node-server";
import { describe, expect, test } from "vitest";
import { InvalidValueError } from "../../src/index.ts";
import { createDashboard } from "../../src/dashboard.ts";
import type { Queryable } from "../../src/core/queryable.ts";
import { askedDashboard, requestOf, token } from "../support/dashboard.ts";
import { testDatabase } from "../support/database.ts";

const { db, sql } = await testDatabase();
const dashboard = createDashboard({ db, token, write: true, hosts: ["jobs.example.com", "[2001:db8::1]"] });
const statusFor = async (host: string, path = "/api/session") =>
  (await dashboard(requestOf(path, { headers: { host } }))).status;

describe("the host that is asked", () => {
  test.each([
    "localhost",
    "localhost:4680",
    "LOCALHOST",
    "127.0.0.1:4680",
    "[::1]",
    "[::1]:4680",
    "[0:0:0:0:0:0:0:1]:4680",
    "jobs.example.com",
    "Jobs.Example.com:443",
    "[2001:db8:0::1]:8080",
  ])("may be %s", async (host) => {
    expect(await statusFor(host)).toBe(200);
  });

  // A page of evil.example lets its name point to 127.0.0.1, and asks as if it were ours.
  test.each([
    "evil.example",
    "evil.example:4680",
    "localhost.evil.example",
    "localhost:4680.evil.example",
    "localhost@evil.example",
    "evil.example@localhost",
    "evil.example#localhost",
    "jobs.example.com.evil.example",
    "[::1].evil.example",
    "[::2]",
    "::1",
    "127.0.0.1.evil.example",
    "0.0.0.0",
    "169.254.169.254",
    "localhost:x",
    "localhost.",
    "localhost,evil.example",
    "[::1%lo]",
    "[::ffff:127.0.0.1]",
    "user:pass@localhost",
    "",
    "[",
  ])("may not be %s", async (host) => {
    expect(await statusFor(host)).toBe(421);
  });

  test.each(["/", "/app.js", "/app.css", "/api/live", "/api/jobs/1", "/nothing"])(
    "is looked at for %s, too",
    async (path) => {
      expect(await statusFor("evil.example", path)).toBe(421);
    },
  );

  test("is in the address alone where HTTP/2 has no such header", async () => {
    const headers = { authorization: `Bearer ${token}` };
    expect((await dashboard(new Request("https://jobs.example.com/api/session", { headers }))).status).toBe(200);
    expect((await dashboard(new Request("https://evil.example/api/session", { headers }))).status).toBe(421);
  });

  test("is not what a proxy's headers say, which anybody can send", async () => {
    const headers = { host: "evil.example", "x-forwarded-host": "localhost", forwarded: "host=localhost" };
    expect((await dashboard(requestOf("/api/session", { headers }))).status).toBe(421);
  });

  test("is the header's where a request line has another", async () => {
    const server = serve({ fetch: dashboard, port: 0, hostname: "127.0.0.1" });
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const statusLine = async (requested: string, ...hosts: string[]) => {
      const socket = connect(port, "127.0.0.1");
      const lines = [...hosts.map((host) => `host: ${host}`), `authorization: Bearer ${token}`, "connection: close"];
      socket.end(`GET ${requested} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      return (await text(socket)).split("\r\n")[0];
    };
    expect(await statusLine("/api/session", "localhost")).toContain(" 200 ");
    expect(await statusLine("http://localhost/api/session", "evil.example")).toContain(" 421 ");
    expect(await statusLine("/api/session", "evil.example", "localhost")).toContain(" 421 ");
    expect(await statusLine("/api/session", "localhost", "evil.example")).toContain(" 421 ");
    expect(await statusLine("/api/session")).toContain(" 400 ");
    expect(await statusLine("//evil.example/api/session", "localhost")).toContain(" 404 ");
    server.close();
  });

  test("may have names that are names", () => {
    expect(() => createDashboard({ db, token, hosts: ["https://jobs.example.com"] })).toThrow(InvalidValueError);
    expect(() => createDashboard({ db, token, hosts: ["a/b"] })).toThrow(/hosts\[0\] is "a\/b": give a name/);
  });
});

describe("a page elsewhere", () => {
  const { post, get } = askedDashboard({ db, authorize: () => "ada", token: undefined });
  const pause = (headers: Record<string, string>, body?: unknown) => post("queues/mail/pause", body, headers);
  const isPaused = async () => (await sql`select from soniq_queues where paused_at is not null`).length > 0;

  test.each([
    ["a form", { "x-soniq": "", "content-type": "application/x-www-form-urlencoded" }],
    ["a form of plain text", { "x-soniq": "", "content-type": "text/plain" }],
    ["a fetch without our header", { "x-soniq": "" }],
    ["a fetch of another type", { "content-type": "text/plain" }],
    ["a fetch of a type that begins like ours", { "content-type": "application/jsonp" }],
    ["another origin", { origin: "https://evil.example" }],
    ["another port", { origin: "http://localhost:3000" }],
    ["no origin to speak of", { origin: "null" }],
    ["a page of another site", { "sec-fetch-site": "cross-site" }],
    ["a page beside it", { "sec-fetch-site": "same-site" }],
    ["another origin that lies about the site", { origin: "https://evil.example", "sec-fetch-site": "same-origin" }],
  ])("changes nothing by %s, whoever is logged in", async (_, headers) => {
    const { status } = await pause(headers, {});
    expect([403, 415]).toContain(status);
    expect(await isPaused()).toBe(false);
  });

  test("does not read anything either, nor keep a live stream", async () => {
    for (const path of ["jobs", "live", "session"])
      expect((await get(path, { "sec-fetch-site": "cross-site" })).status).toBe(403);
  });

  test("is not told that it might: there is no CORS", async () => {
    const preflight = await createDashboard({ db, token })(
      requestOf("/api/queues/mail/pause", {
        method: "OPTIONS",
        headers: {
          origin: "https://evil.example",
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization,x-soniq",
        },
      }),
    );
    expect(preflight.status).toBe(403);
    expect([...preflight.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
  });

  test("is no match for the dashboard's own, nor for a program", async () => {
    const own = { origin: "http://localhost:4680", "sec-fetch-site": "same-origin" };
    expect((await pause(own)).status).toBe(200);
    expect((await pause({})).status).toBe(200);
    expect(await isPaused()).toBe(true);
  });
});

describe("the dashboard's own page, behind a proxy that has the certificate,", () => {
  const { post } = askedDashboard({ db, authorize: () => "ada", token: undefined, hosts: ["jobs.example.com"] });

  test.each([
    ["jobs.example.com", "https://jobs.example.com"],
    ["jobs.example.com:443", "https://jobs.example.com"],
    ["Jobs.Example.com:8443", "https://jobs.example.com:8443"],
    ["jobs.example.com:80", "http://jobs.example.com"],
    ["[0:0:0:0:0:0:0:1]:4680", "http://[::1]:4680"],
  ])("may change things: asked as %s, from %s", async (host, origin) => {
    expect((await post("queues/mail/pause", undefined, { host, origin })).status).toBe(200);
  });

  test.each([
    ["jobs.example.com", "https://jobs.example.com:8443"],
    ["jobs.example.com:443", "http://jobs.example.com"],
    ["jobs.example.com", "https://jobs.example.com.evil.example"],
    ["jobs.example.com", "file://jobs.example.com"],
    ["jobs.example.com", "chrome-extension://jobs.example.com"],
  ])("is told from another page: asked as %s, from %s", async (host, origin) => {
    expect((await post("queues/mail/pause", undefined, { host, origin })).status).toBe(403);
  });
});

describe("each answer", () => {
  test.each(["/", "/api/session", "/api/nothing", "/elsewhere", "/api/jobs/0"])(
    "such as that for %s tells the browser to run nothing foreign, and to keep nothing",
    async (path) => {
      const { headers } = await dashboard(requestOf(path));
      expect(headers.get("content-security-policy")).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
      );
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    },
  );

  test.each(["PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])(
    "so does one that knows no %s, which changes nothing",
    async (method) => {
      await sql`truncate soniq_queues`;
      for (const path of ["/", "/app.js", "/api/jobs", "/api/queues/mail/pause"]) {
        const headers = { "x-soniq": "1", "x-http-method-override": "POST" };
        const response = await dashboard(requestOf(`${path}?_method=POST`, { method, headers }));
        expect(response.status).toBe(404);
        expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
      }
      expect(await sql`select from soniq_queues`).toHaveLength(0);
    },
  );

  test("so does one that fails", async () => {
    const failing = createDashboard({ db: { execute: () => {} } as unknown as Queryable, token });
    const response = await failing(requestOf("/api/queues"));
    expect(response.status).toBe(500);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  test("so does one that refuses, outside of where it is mounted as well", async () => {
    const mounted = createDashboard({ db, token, basePath: "/admin/jobs/" });
    for (const [path, status] of [
      ["/", 404],
      ["/admin/jobs/api/session", 200],
      ["/admin/jobs/api/nothing", 404],
    ] as const) {
      const response = await mounted(requestOf(path));
      expect([path, response.status]).toEqual([path, status]);
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    }
    const refused = await mounted(requestOf("/admin/jobs/api/session", { headers: { authorization: "" } }));
    expect(refused.headers.get("x-content-type-options")).toBe("nosniff");
  });
});

test("what attackers wrote comes back as JSON, whole and as nothing else", async () => {
  const evil = `<img src=x onerror=alert(1)></script><script>alert(1)</script>\u2028"'`;
  await sql`insert into soniq_jobs (name, queue, payload, tags, reason, state, finished_at)
    values (${evil}, ${evil}, ${sql.json({ [evil]: evil })}, ${sql.json([evil])}, ${evil}, 'dead', now())`;
  const { get } = askedDashboard({ db });
  const { headers, body } = await get<{ jobs: { id: number; name: string }[] }>("jobs");
  expect(headers.get("content-type")).toBe("application/json");
  expect(body.jobs[0]?.name).toBe(evil);
  const story = await get(`jobs/${body.jobs[0]?.id}`);
  expect(story.headers.get("content-type")).toBe("application/json");
  expect(story.body).toMatchObject({ name: evil, queue: evil, payload: { [evil]: evil }, tags: [evil], reason: evil });
});

test.each(['/"><script>', "jobs", "/a b", "//", "/a//b", "/a?b", "/a#b"])(
  "a basePath such as %s is refused",
  (basePath) => {
    expect(() => createDashboard({ db, token, basePath })).toThrow(/basePath is .*: give a path such as/);
  },
);
