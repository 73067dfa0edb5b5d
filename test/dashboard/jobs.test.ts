// Jobs as the dashboard lists them.
import { beforeEach, describe, expect, test } from "vitest";
import * as v from "valibot";
import type { JobListView } from "../../src/dashboard/wire.ts";
import { defineJob, enqueue } from "../../src/index.ts";
import { askedDashboard } from "../support/dashboard.ts";
import { testDatabase } from "../support/database.ts";

const { db, sql } = await testDatabase();
const { get } = askedDashboard({ db });
const order = defineJob({ name: "order", payload: v.any() });

beforeEach(async () => {
  await sql`truncate soniq_jobs, soniq_audit`;
});

const list = async (query: string) => (await get<JobListView>(`jobs?${query}`)).body;

describe("a list", () => {
  beforeEach(async () => {
    await sql`insert into soniq_jobs (name, payload, state, finished_at, created_at)
      values ('old', '{"order": {"id": "17"}}', 'completed', now(), now() - interval '2 hours')`;
    await enqueue(db, order, { order: { id: 17 }, lines: [{ sku: "a" }] }, { tags: ["vip"], queue: "shop" });
    await enqueue(db, order, { order: { id: 18 }, name: "true" }, { delay: "1h" });
  });

  test("shows the newest first, and no payloads", async () => {
    const page = await list("");
    expect(page.jobs.map(({ name }) => name)).toEqual(["order", "order", "old"]);
    expect(page.jobs[1]).toEqual({
      id: expect.any(Number),
      name: "order",
      queue: "shop",
      state: "queued",
      priority: 5,
      attempt: 0,
      maxAttempts: 10,
      tags: ["vip"],
      reason: null,
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      runAt: expect.stringMatching(/^\d{4}-.*Z$/),
      claimedAt: null,
      finishedAt: null,
      link: null,
    });
    expect(page).toMatchObject({ next: null, scannedJobs: 3, complete: true });
  });

  test.each([
    ["state=completed", ["old"]],
    ["queue=shop", ["order"]],
    ["name=order&tag=vip", ["order"]],
    ["field=order.id&value=17", ["order", "old"]],
    ["field=lines.0.sku&value=a", ["order"]],
    ["field=order.none&value=", []],
    ["field=order&value=%7B%22id%22%3A%2017%7D", []],
    ["field=name&value=true", ["order"]],
    ["state=&queue=&name=old", ["old"]],
  ])("is filtered by %s", async (query, names) => {
    expect((await list(query)).jobs.map(({ name }) => name)).toEqual(names);
  });

  test("is filtered by when they were enqueued", async () => {
    const anHourAgo = new Date(Date.now() - 3_600_000).toISOString();
    expect((await list(`since=${anHourAgo}`)).jobs.map(({ name }) => name)).toEqual(["order", "order"]);
    expect((await list(`until=${anHourAgo}`)).jobs.map(({ name }) => name)).toEqual(["old"]);
  });

  test("goes on where the page before ended", async () => {
    const first = await list("limit=2");
    const second = await list(`limit=2&cursor=${first.next}`);
    expect([...first.jobs, ...second.jobs].map(({ id }) => id)).toEqual((await list("")).jobs.map(({ id }) => id));
    expect(second).toMatchObject({ scannedJobs: 1, complete: true });
  });

  test.each([
    ["limit=0", "query.limit is not valid: give a whole number from 1 to 200"],
    ["limit=201", "query.limit is not valid: give a whole number from 1 to 200"],
    ["limit=1000000000", "query.limit is not valid: give a whole number from 1 to 200"],
    ["state=gone", "query.state is not valid"],
    ["cursor=1;drop", "cursor is"],
    ["since=yesterday", "query.since is not valid: give a time such as 2026-01-31T08:00Z"],
    ["order=payload", "query"],
    ["__proto__=1", "query.__proto__ is not valid"],
    ["name=%00", "a text contains a NUL character"],
    ["field=a&value=%00", "a text contains a NUL character"],
    ["since=%2B275760-09-13", "query.since is not valid: give a time such as 2026-01-31T08:00Z"],
    ["until=%2B275760-09-13", "query.until is not valid: give a time such as 2026-01-31T08:00Z"],
    ["until=-000001-01-01", "query.until is not valid: give a time such as 2026-01-31T08:00Z"],
    [`name=${"a".repeat(1_001)}`, "query.name is not valid"],
  ])("refuses %s", async (query, error) => {
    expect(await get(`jobs?${query}`)).toMatchObject({ status: 400, body: { error: expect.stringContaining(error) } });
  });

  test("is not searched by what is not shown, or it could be found out", async () => {
    await enqueue(db, order, { card: { token: "t" } });
    expect(await get("jobs?field=card.token&value=t")).toMatchObject({
      status: 403,
      body: { error: expect.stringContaining(`the field "token" is redacted`) },
    });
  });
});

test("a search says how far it looked, ten thousand jobs at a time", async () => {
  await sql`insert into soniq_jobs (name, payload, created_at) select 'needle', '{"n": 1}', '2026-01-01'`;
  await sql`insert into soniq_jobs (name, payload, created_at) select 'hay', '{"n": 0}', '2026-01-02' from generate_series(1, 12000)`;
  const first = await list("field=n&value=1");
  expect(first).toMatchObject({ jobs: [], scannedJobs: 10_000, backTo: "2026-01-02T00:00:00.000Z", complete: false });
  const second = await list(`field=n&value=1&cursor=${first.next}`);
  expect(second).toMatchObject({ scannedJobs: 2_001, backTo: "2026-01-01T00:00:00.000Z", complete: true, next: null });
  expect(second.jobs.map(({ name }) => name)).toEqual(["needle"]);
  // What is older than what is asked for is not looked through.
  expect(await list("field=n&value=1&since=2026-01-02T02:00Z")).toMatchObject({ scannedJobs: 10_000, complete: true });
});
