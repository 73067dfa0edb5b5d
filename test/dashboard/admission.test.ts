// What is checked in which order, by which name, and what the audit log keeps of it.
import { request as httpRequest } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createDashboard, type DashboardAction } from "../../src/dashboard.ts";
import { LiveFeed } from "../../src/dashboard/live-feed.ts";
import type { AuditView } from "../../src/dashboard/wire.ts";
import { pauseQueue } from "../../src/admin.ts";
import { registerEndpoint } from "../../src/webhooks.ts";
import { askedDashboard, requestOf, token } from "../support/dashboard.ts";
import { testDatabase } from "../support/database.ts";
import { webhooks } from "../support/receiver.ts";
import { until } from "../support/until.ts";

const { db, sql } = await testDatabase();
beforeEach(() => sql`truncate soniq_jobs, soniq_queues, soniq_audit`);
afterEach(() => vi.restoreAllMocks());

const auditOf = async (dashboard: ReturnType<typeof askedDashboard>) =>
  (await dashboard.get<AuditView>("audit?limit=200")).body.entries;

describe("what is authorized is what is acted upon:", () => {
  test("an endpoint's id in upper case is the same endpoint", async () => {
    const { id } = await registerEndpoint(db, webhooks, {
      allTenants: true,
      events: "all",
      url: "https://example.com/",
    });
    const asked: [DashboardAction, string][] = [];
    const dashboard = askedDashboard({ db, authorize: (_, action, target) => (asked.push([action, target]), "eve") });
    expect((await dashboard.post(`endpoints/${id.toUpperCase()}/pause`)).status).toBe(200);
    expect((await dashboard.get(`endpoints/${id.toUpperCase()}/deliveries`)).status).toBe(200);
    expect(asked).toEqual([
      ["endpoint.pause", id],
      ["read", `endpoints/${id}/deliveries`],
    ]);
    expect(await auditOf(dashboard)).toMatchObject([{ action: "endpoint.pause", target: id }]);
  });

  test.each(["deliveries/01/resend", "jobs/1.0/cancel", "jobs/%201/retry", "endpoints/x/pause"])(
    "an id that is written otherwise is refused before anybody is asked: %s",
    async (path) => {
      const asked: string[] = [];
      const dashboard = askedDashboard({ db, authorize: (_, _action, target) => (asked.push(target), true) });
      expect((await dashboard.post(path)).status).toBeGreaterThanOrEqual(400);
      expect(asked).toEqual([]);
    },
  );

  test.each([".", ".."])("a queue called %s, which no address can hold, is paused all the same", async (name) => {
    await pauseQueue(db, name);
    const asked: string[] = [];
    const dashboard = askedDashboard({ db, authorize: (_, _action, target) => (asked.push(target), true) });
    expect((await dashboard.post(`queues/-/resume?target=${name}`)).body).toEqual({ done: "resumed" });
    expect(asked).toEqual([name]);
    expect((await dashboard.post(`queues/-/pause?target=billing`)).status).toBe(200);
    expect(asked.at(-1)).toBe("-");
  });
});

describe("bodies", () => {
  test("are not read before it is known who sends them", async () => {
    const unread = (headers: Record<string, string>) => {
      let reads = 0;
      const body = new ReadableStream({ pull: () => void (reads += 1) }, { highWaterMark: 0 });
      const init = { method: "POST", body, duplex: "half", headers } as RequestInit;
      return { request: requestOf("/api/queues/a/pause", init), reads: () => reads };
    };
    const dashboard = createDashboard({ db, token, write: true });
    for (const [status, headers] of [
      [401, { "x-soniq": "1", authorization: "" }],
      [403, {}],
      [415, { "x-soniq": "1", "content-type": "text/plain" }],
    ] as const) {
      const { request, reads } = unread(headers);
      expect([(await dashboard(request)).status, reads()]).toEqual([status, 0]);
    }
  });

  test("that are cut off write nothing into the server's log", async () => {
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    const answered: number[] = [];
    const dashboard = createDashboard({ db, token, write: true });
    const server = serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        const response = await dashboard(request);
        answered.push(response.status);
        return response;
      },
    });
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const headers = { "x-soniq": "1", authorization: `Bearer ${token}`, "transfer-encoding": "chunked" };
    const sending = httpRequest({ port, host: "127.0.0.1", method: "POST", path: "/api/queues/a/pause", headers });
    sending.on("error", () => {});
    sending.write('{"x":');
    setTimeout(() => sending.destroy(), 200);
    await until(async () => answered.length === 1);
    expect(answered).toEqual([400]);
    expect(printed).not.toHaveBeenCalled();
    server.close();
  });

  test("hold nothing that is not asked for", async () => {
    const dashboard = askedDashboard({ db });
    const evading = { reason: "because", "x\u0000y": "evade" };
    expect((await dashboard.post("jobs/1/cancel", evading)).status).toBe(400);
    expect((await dashboard.post("queues/a/pause", { n: 1 })).status).toBe(400);
    const details = await sql`select detail from soniq_audit order by id`;
    expect(details.map(({ detail }) => detail as unknown)).toEqual([{ leftOut: "it cannot be stored" }, { n: 1 }]);
  });
});

describe("the audit log is not flooded", () => {
  test("by refusals: of each actor the first twenty a minute are entries, and the others are counted", async () => {
    const dashboard = askedDashboard({ db, write: false });
    for (let n = 0; n < 60; n += 1) expect((await dashboard.post("queues/a/pause")).status).toBe(403);
    const entries = await auditOf(dashboard);
    expect(entries).toHaveLength(21);
    expect(entries[0]?.outcome).toBe(
      "refused: 32 or more within a minute, in addition to the 20 that have their own entries",
    );
  });

  test("by a page that asks for a revealed job again and again", async () => {
    const [job] = await sql`insert into soniq_jobs (name, payload) values ('a', '{}'), ('b', '{}') returning id::int`;
    const authorize = (request: Request) => request.headers.get("x-user") ?? "ada";
    const dashboard = askedDashboard({ db, reveal: true, authorize });
    const id = Number(job?.["id"]);
    for (let n = 0; n < 6; n += 1) await dashboard.get(`jobs/${id}?reveal=1`);
    await dashboard.get(`jobs/${id}?reveal=1`, { "x-user": "grace" });
    await dashboard.get(`jobs/${id + 1}?reveal=1`);
    expect((await auditOf(dashboard)).map(({ actor, target }) => [actor, target])).toEqual([
      ["ada", String(id + 1)],
      ["grace", String(id)],
      ["ada", String(id)],
    ]);
  });
});

test("one who opens fifty streams loses one of them to somebody else, who gets in", () => {
  const feed = new LiveFeed(() => new Promise(() => {}));
  const stop = new AbortController();
  const watch = (name: string) => feed.watch(new Request("http://h", { signal: stop.signal }), name, async () => {});
  for (let n = 0; n < 50; n += 1) expect(watch("eve")).toBeDefined();
  expect(watch("eve")).toBeUndefined();
  expect(watch("ada")).toBeDefined();
  stop.abort();
});

test("what is refused as it should be is not printed", async () => {
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  const dashboard = createDashboard({ db, token });
  for (let n = 0; n < 51; n += 1) await dashboard(requestOf("/api/live"));
  expect((await dashboard(requestOf("/api/live"))).status).toBe(503);
  expect(printed).not.toHaveBeenCalled();
});

test("an error of `authorize` is one line without escapes and secrets", async () => {
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  const authorize = () => {
    throw new Error("db password=hunter2\nsecond line\u001b[31m");
  };
  await createDashboard({ db, authorize })(requestOf("/api/session"));
  expect(printed.mock.calls).toEqual([["soniq-drizzle: the dashboard failed: db password=*** second line"]]);
});

test("so is one of `link`", async () => {
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  const [job] = await sql`insert into soniq_jobs (name, payload) values ('a', '{}') returning id::int`;
  const link = () => {
    throw new Error("password=hunter2\nsecond line\u001b[31m");
  };
  await askedDashboard({ db, link }).get(`jobs/${job?.["id"]}`);
  const [[line]] = printed.mock.calls as [[string]];
  expect(line).toMatch(/^soniq-drizzle: the dashboard's link failed: Error: password=\*\*\* second line at .+$/);
});
