// Who is let in.
import { beforeEach, describe, expect, test } from "vitest";
import { ConfigError } from "../../src/index.ts";
import { createDashboard, type DashboardAction, type DashboardOptions } from "../../src/dashboard.ts";
import type { SessionView } from "../../src/dashboard/wire.ts";
import { createGuessLimiter } from "../../src/dashboard/wrong-tokens.ts";
import { askedDashboard, requestOf, token } from "../support/dashboard.ts";
import { testDatabase } from "../support/database.ts";

const { db } = await testDatabase();

const session = "/api/session";
const statusOf = async (options: DashboardOptions, request: Request) =>
  (await createDashboard(options)(request)).status;

describe("a dashboard that would be open to everybody", () => {
  test("is not made, and the error says what to do", () => {
    expect(() => createDashboard({ db, token: undefined })).toThrow(ConfigError);
    expect(() => createDashboard({ db })).toThrow(/set `token`, or a function `authorize`/);
  });

  test.each(["", "fifteen-letters", "sixteen letters or more", "sixteen-lettörs-or-more"])(
    "nor is one whose token could be guessed, or not be sent: %j",
    (guessed) => {
      expect(() => createDashboard({ db, token: guessed })).toThrow(/give 16 characters or more/);
    },
  );
});

describe("with a token", () => {
  const options = { db, token };

  test("whoever sends it is let in", async () => {
    const { status, body } = await askedDashboard(options).get<SessionView>("session");
    expect(status).toBe(200);
    expect(body).toEqual({ version: expect.any(String), user: null, writable: true, mayReveal: false });
  });

  test.each([
    ["none", ""],
    ["another", `Bearer ${token}!`],
    ["the beginning of it", `Bearer ${token.slice(0, -1)}`],
    ["an empty one", "Bearer "],
    ["it as a password", `Basic ${Buffer.from(`:${token}`).toString("base64")}`],
  ])("whoever sends %s is not", async (_, authorization) => {
    const response = await createDashboard(options)(requestOf(session, { headers: { authorization } }));
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await response.json()).toEqual({ error: expect.stringContaining("the token is missing or wrong") });
  });

  test("it is not taken from the address, which ends up in logs", async () => {
    const request = requestOf(`${session}?token=${encodeURIComponent(token)}&api_key=${token}`, {
      headers: { authorization: "", cookie: `token=${token}` },
    });
    expect(await statusOf(options, request)).toBe(401);
  });

  test("every route of the API asks for it", async () => {
    const paths = [
      "session",
      "stats?range=1h",
      "queues",
      "jobs",
      "jobs/1",
      "dead-letters",
      "dead-letters/groups",
      "schedules",
      "workers",
      "endpoints",
      "endpoints/1/deliveries",
      "audit",
      "live",
    ];
    for (const path of paths)
      expect([path, await statusOf(options, requestOf(`/api/${path}`, { headers: { authorization: "" } }))]).toEqual([
        path,
        401,
      ]);
  });
});

describe("wrong tokens", () => {
  const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } });
  const guess = () => requestOf(session, { headers: { authorization: "Bearer a guess" } });

  test("are too many from the twentieth a minute on from one address", async () => {
    const dashboard = createDashboard({ db, token });
    for (let n = 0; n < 20; n += 1) expect((await dashboard(guess(), from("192.0.2.1"))).status).toBe(401);
    const refused = await dashboard(guess(), from("192.0.2.1"));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await dashboard(guess(), from("192.0.2.2"))).status).toBe(401);
  });

  test.each([
    ["behind the same proxy", from("127.0.0.1")],
    ["where no address is known", undefined],
  ])("however many there are, lock nobody out who has the right one: %s", async (_, address) => {
    const dashboard = createDashboard({ db, token });
    for (let n = 0; n < 50; n += 1) await dashboard(guess(), address);
    expect((await dashboard(guess(), address)).status).toBe(429);
    expect((await dashboard(requestOf(session), address)).status).toBe(200);
  });

  test("are counted once, whatever was to be done with them", async () => {
    const dashboard = createDashboard({ db, token, write: true });
    const headers = { authorization: "Bearer a-guess", "x-soniq": "1" };
    for (let n = 0; n < 19; n += 1)
      expect((await dashboard(requestOf("/api/queues/a/pause", { method: "POST", headers }))).status).toBe(401);
    expect((await dashboard(guess())).status).toBe(401);
    expect((await dashboard(guess())).status).toBe(429);
  });

  test("a request without any is no guess", async () => {
    const dashboard = createDashboard({ db, token });
    const without = new Request(`http://localhost${session}`);
    for (let n = 0; n < 30; n += 1) expect((await dashboard(without.clone(), from("192.0.2.1"))).status).toBe(401);
    for (let n = 0; n < 20; n += 1) expect((await dashboard(guess(), from("192.0.2.1"))).status).toBe(401);
    expect((await dashboard(guess(), from("192.0.2.1"))).status).toBe(429);
    expect((await dashboard(without, from("192.0.2.1"))).status).toBe(401);
  });

  test("are forgotten after a minute, and however many addresses send them, few are kept", () => {
    let now = 0;
    const wrong = createGuessLimiter(() => now);
    for (let n = 0; n < 20; n += 1) wrong.recordGuess("a");
    expect(wrong.getWaitSeconds("a")).toBe(60);
    now = 59_001;
    expect(wrong.getWaitSeconds("a")).toBe(1);
    now = 60_000;
    expect(wrong.getWaitSeconds("a")).toBe(0);
    for (let n = 0; n < 20; n += 1) wrong.recordGuess("b");
    for (let n = 0; n < 2_000; n += 1) wrong.recordGuess(`192.0.2.${n}`);
    expect(wrong.getWaitSeconds("b")).toBe(0);
  });
});

describe("with `authorize`", () => {
  let asked: [action: DashboardAction, target: string][];
  beforeEach(() => (asked = []));
  const authorize = (request: Request, action: DashboardAction, target: string) => {
    asked.push([action, target]);
    return request.headers.get("cookie") === "user=ada" && "ada";
  };
  const ada = { authorization: "", cookie: "user=ada" };

  test("it names who looks", async () => {
    const { body } = await askedDashboard({ db, authorize, token: undefined }).get<SessionView>("session", ada);
    expect(body.user).toBe("ada");
  });

  test("it is asked about each request: what is to be done, and to what", async () => {
    const { get, post } = askedDashboard({ db, authorize, token: undefined });
    await get("jobs/17", ada);
    await post("queues/mail%2Fnews/pause", undefined, ada);
    expect(asked).toEqual([
      ["read", "jobs/17"],
      ["queue.pause", "mail/news"],
    ]);
  });

  test("whom it refuses is not let in", async () => {
    const { get } = askedDashboard({ db, authorize, token: undefined });
    expect(await get("session", { authorization: "" })).toMatchObject({
      status: 403,
      body: { error: "you may not do this: read session" },
    });
  });

  test.each([undefined, null, 0, 1, {}, ""])("an answer such as %j lets nobody in", async (answer) => {
    const { get } = askedDashboard({ db, authorize: () => answer as never, token: undefined });
    expect((await get("session")).status).toBe(403);
  });

  test("one that fails lets nobody in either, and says nothing of itself", async () => {
    const failing = () => Promise.reject(new Error("no such user in postgres://app:secret@db/app"));
    const { get } = askedDashboard({ db, authorize: failing, token: undefined });
    const { status, body } = await get<{ error: string }>("session");
    expect(status).toBe(500);
    expect(body.error).not.toContain("postgres");
  });

  test.each(["eve", undefined, null, 401, { status: 401 }])(
    "nor does one that throws what is no error, such as %j, and it is answered all the same",
    async (thrown) => {
      const failing = async () => Promise.reject(thrown as unknown as Error);
      const response = await createDashboard({ db, authorize: failing })(requestOf(session));
      expect(response.status).toBe(500);
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    },
  );

  test("beside a token, both must agree", async () => {
    const options = { db, authorize, token };
    expect(await statusOf(options, requestOf(session, { headers: ada }))).toBe(401);
    expect(await statusOf(options, requestOf(session))).toBe(403);
    expect(await statusOf(options, requestOf(session, { headers: { cookie: "user=ada" } }))).toBe(200);
  });
});
