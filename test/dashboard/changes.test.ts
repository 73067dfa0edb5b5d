// What may be changed, by whom, and what is written down of it.
import { beforeEach, describe, expect, test } from "vitest";
import * as v from "valibot";
import type { DashboardAction } from "../../src/dashboard.ts";
import type { AuditView, JobView } from "../../src/dashboard/wire.ts";
import { defineJob, defineSchedule, enqueue } from "../../src/index.ts";
import { registerEndpoint } from "../../src/webhooks.ts";
import { askedDashboard, requestOf } from "../support/dashboard.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";
import { transactionWith } from "../support/locks.ts";
import { webhooks } from "../support/receiver.ts";
import { startWith } from "../support/schedules.ts";

const { db, sql } = await testDatabase();
const mail = defineJob({ name: "mail", payload: v.object({ to: v.string() }) });
const authorize = (request: Request, action: DashboardAction) =>
  request.headers.get("x-user") === "eve" && action !== "read" ? false : (request.headers.get("x-user") ?? "ada");
const { get, post, dashboard } = askedDashboard({ db, authorize });

const audit = async () => (await get<AuditView>("audit")).body.entries;
const stateOf = async (id: number) => (await sql`select state from soniq_jobs where id = ${id}`)[0]?.["state"];

beforeEach(async () => {
  await sql`truncate soniq_jobs, soniq_queues, soniq_schedules, soniq_webhook_endpoints, soniq_audit`;
});

describe("a dashboard that only shows", () => {
  const reading = askedDashboard({ db, write: undefined });
  const endpoint = "cfabae14-0000-4000-8000-000000000000";
  const every = [
    "queues/a/pause",
    "queues/a/resume",
    "jobs/1/retry",
    "jobs/1/cancel",
    "jobs/1/run-now",
    "jobs/1/discard",
    "schedules/a/pause",
    "schedules/a/resume",
    "schedules/a/trigger",
    `endpoints/${endpoint}/pause`,
    `endpoints/${endpoint}/resume`,
    "deliveries/1/resend",
    "dead-letters/retry",
    "dead-letters/purge",
  ];

  test.each(every)("refuses %s, which is what it is by default", async (path) => {
    expect(await reading.post(path, {})).toMatchObject({
      status: 403,
      body: { error: expect.stringContaining("this dashboard is read-only") },
    });
  });

  test("says so, and offers no action on a job", async () => {
    const { id } = await enqueue(db, mail, { to: "ada" });
    expect((await reading.get("session")).body).toMatchObject({ writable: false });
    expect((await reading.get<JobView>(`jobs/${id}`)).body.actions).toEqual([]);
  });

  test("changes nothing by a request that reads", async () => {
    for (const path of every) expect((await reading.get(path)).status).toBe(404);
  });
});

describe("queues", () => {
  test("are paused and resumed, and the log says by whom", async () => {
    expect(await post("queues/mail/pause")).toMatchObject({
      status: 200,
      body: { done: "paused: running jobs finish" },
    });
    expect(await sql`select from soniq_queues where name = 'mail' and paused_at is not null`).toHaveLength(1);
    expect((await post("queues/mail/resume", undefined, { "x-user": "grace" })).body).toEqual({ done: "resumed" });
    expect((await post("queues/mail/resume")).body).toEqual({ done: "was not paused" });
    expect(await audit()).toMatchObject([
      { actor: "ada", action: "queue.resume", target: "mail", outcome: "was not paused" },
      { actor: "grace", action: "queue.resume", target: "mail", outcome: "resumed" },
      { actor: "ada", action: "queue.pause", target: "mail", outcome: "paused: running jobs finish" },
    ]);
  });

  test.each([
    "a/b ü%?#",
    "../..",
    "%2e%2e",
    "%",
    "a%2fb",
    "a+b",
    "//",
    "__proto__",
    "constructor",
    "ü".repeat(200),
    "😀",
  ])("may have any name, such as %j", async (name) => {
    await post(`queues/${encodeURIComponent(name)}/pause`);
    expect(await sql`select name from soniq_queues`).toEqual([{ name }]);
    expect(await audit()).toMatchObject([{ target: name }]);
    expect((await get("queues")).body).toMatchObject([{ name, perMinute: 0 }]);
  });
});

describe("jobs", () => {
  test("are cancelled, with a reason that may be given", async () => {
    const first = await enqueue(db, mail, { to: "ada" });
    const second = await enqueue(db, mail, { to: "ada" });
    expect((await post(`jobs/${first.id}/cancel`)).body).toEqual({ done: "cancelled" });
    expect((await post(`jobs/${second.id}/cancel`, { reason: "wrong address" })).status).toBe(200);
    const reasons = await sql`select state, reason from soniq_jobs order by id`;
    expect(reasons).toEqual([
      { state: "cancelled", reason: "by ada" },
      { state: "cancelled", reason: "wrong address" },
    ]);
    expect((await post(`jobs/${first.id}/cancel`)).status).toBe(409);
  });

  test("run now instead of later, and are given up", async () => {
    const { id } = await enqueue(db, mail, { to: "ada" }, { delay: "1h" });
    expect((await get<JobView>(`jobs/${id}`)).body.actions).toEqual(["run-now", "cancel", "discard"]);
    expect((await post(`jobs/${id}/run-now`)).body).toEqual({ done: "due now" });
    expect((await get<JobView>(`jobs/${id}`)).body.actions).toEqual(["cancel", "discard"]);
    expect((await post(`jobs/${id}/discard`)).status).toBe(200);
    expect(await stateOf(id)).toBe("dead");
    expect((await get<JobView>(`jobs/${id}`)).body.actions).toEqual(["retry"]);
    expect((await post(`jobs/${id}/run-now`)).status).toBe(409);
  });

  test("that died begin anew, unless their key is held", async () => {
    const [free, bound] = (await died(sql, [{}, { uniqueKey: "k" }])) as [number, number];
    const [holder] =
      await sql`insert into soniq_jobs (name, payload, unique_key) values ('mail', '{}', 'k') returning id::int`;
    expect((await post(`jobs/${free}/retry`)).body.done).toContain("queued again");
    expect(await stateOf(free)).toBe("queued");
    expect(await post(`jobs/${bound}/retry`)).toMatchObject({
      status: 409,
      body: { error: `job #${bound} stays dead: its unique key is held by job #${holder?.["id"]}` },
    });
    expect(await audit()).toMatchObject([
      { target: String(bound), outcome: expect.stringMatching(/^refused: .* stays dead/) },
      { target: String(free) },
    ]);
  });

  // An id in another form would be another target for `authorize`, and in the log.
  test.each(["x", "0x1", "1e3", "-1", "1.5", "99999999999999999999", "01", "00", "%31%00", "１"])(
    "have no id such as %s",
    async (id) => {
      expect((await post(`jobs/${id}/cancel`)).status).toBe(400);
      expect((await get(`jobs/${id}`)).status).toBe(400);
      expect((await post(`deliveries/${id}/resend`)).status).toBe(400);
    },
  );
});

test("what is sent along is a body, and no more, however it is made", async () => {
  const bodies = [`{"__proto__": {"reason": "x"}}`, `{"constructor": {"prototype": {"reason": "x"}}}`];
  const deep = `{"x": ${"[".repeat(15_000)}${"]".repeat(15_000)}}`;
  for (const body of [...bodies, deep]) {
    const { id } = await enqueue(db, mail, { to: "ada" });
    const headers = { "x-soniq": "1", "content-type": "application/json" };
    const response = await dashboard(requestOf(`/api/jobs/${id}/cancel`, { method: "POST", headers, body }));
    expect(response.status).toBe(400);
    expect(await sql`select state, reason from soniq_jobs where id = ${id}`).toEqual([
      { state: "queued", reason: null },
    ]);
  }
  expect({}).not.toHaveProperty("reason");
});

test.each(["pause", "resume", "trigger"])("a schedule whose name none can have is not found to %s", async (verb) => {
  expect(await post(`schedules/a%00b/${verb}`)).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining("has a NUL character") },
  });
});

test("schedules are paused, resumed and triggered; one that there is not is not found", async () => {
  await startWith(db, defineSchedule({ name: "nightly", cron: "0 2 * * *", job: mail, payload: { to: "ada" } }));
  expect((await post("schedules/nightly/pause")).status).toBe(200);
  expect(await sql`select from soniq_schedules where paused_at is not null`).toHaveLength(1);
  expect((await post("schedules/nightly/resume")).status).toBe(200);
  expect((await post("schedules/nightly/trigger")).body.done).toMatch(/^enqueued as job #\d+$/);
  expect(await sql`select name from soniq_jobs`).toEqual([{ name: "mail" }]);
  expect(await post("schedules/daily/pause")).toMatchObject({
    status: 404,
    body: { error: expect.stringContaining(`there is no schedule "daily"`) },
  });
});

test("endpoints are paused and resumed; a delivery is sent once more", async () => {
  const { id } = await registerEndpoint(db, webhooks, {
    allTenants: true,
    events: "all",
    url: "https://127.0.0.1/hooks",
  });
  expect((await post(`endpoints/${id}/pause`)).status).toBe(200);
  expect(await sql`select paused_reason from soniq_webhook_endpoints`).toEqual([{ paused_reason: "by ada" }]);
  expect((await post(`endpoints/${id}/resume`)).status).toBe(200);
  expect((await post("endpoints/nothing/pause")).status).toBe(404);
  const [delivery] = await sql`insert into soniq_jobs (name, queue, payload)
    values ('soniq.webhook', 'webhooks', ${sql.json({ endpoint: id, event: "e", id: "m", at: "now", data: 1 })}) returning id::int`;
  expect((await post(`deliveries/${delivery?.["id"]}/resend`)).body.done).toMatch(/^enqueued again as delivery #\d+$/);
  expect((await post("deliveries/999999/resend")).status).toBe(404);
});

describe("what is written down", () => {
  test("is there if and only if the change is", async () => {
    await sql`create function refuse() returns trigger language plpgsql as $$ begin raise 'the disk is full of secrets'; end $$`;
    await sql`create trigger refuse before insert on soniq_audit execute function refuse()`;
    const { status, body } = await post("queues/mail/pause");
    await sql`drop function refuse cascade`;
    expect(status).toBe(500);
    expect(body.error).not.toContain("secrets");
    expect(await sql`select from soniq_queues`).toHaveLength(0);
  });

  test("tells of those who were refused, if they may look", async () => {
    expect((await post("queues/mail/pause", undefined, { "x-user": "eve" })).status).toBe(403);
    expect(await audit()).toMatchObject([
      {
        actor: "eve",
        action: "queue.pause",
        target: "mail",
        outcome: "refused: you may not do this: queue.pause mail",
      },
    ]);
  });

  test("tells nothing of strangers, who could fill it", async () => {
    const guessed = await askedDashboard({ db }).post("queues/a/pause", undefined, { authorization: "Bearer guess" });
    const unknown = await askedDashboard({ db, authorize: () => false }).post("queues/a/pause");
    expect([guessed.status, unknown.status]).toEqual([401, 403]);
    expect(await audit()).toEqual([]);
  });

  test("is listed page by page", async () => {
    for (const name of ["a", "b", "c"]) await post(`queues/${name}/pause`);
    const first = (await get<AuditView>("audit?limit=2")).body;
    expect(first.entries.map(({ target }) => target)).toEqual(["c", "b"]);
    const second = (await get<AuditView>(`audit?limit=2&cursor=${first.next}`)).body;
    expect(second).toMatchObject({ entries: [{ target: "a" }], next: null });
  });
});

test("a row that somebody holds is said to be held, and is not waited for without end", async () => {
  const { id } = await enqueue(db, mail, { to: "ada" });
  const commit = await transactionWith(sql, `select from soniq_jobs where id = ${id} for update`);
  const { status } = await post(`jobs/${id}/cancel`);
  await commit();
  expect(status).toBe(409);
  expect(await stateOf(id)).toBe("queued");
});
