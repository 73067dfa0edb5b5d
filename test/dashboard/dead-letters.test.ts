// Dead letters: counted by what they died of, listed, and retried or purged by the thousand.
import { beforeEach, describe, expect, test } from "vitest";
import type {
  AuditView,
  BulkProgressView,
  DeadLetterGroupsView,
  DeadLetterListView,
} from "../../src/dashboard/wire.ts";
import { askedDashboard, requestOf } from "../support/dashboard.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";
import { transactionWith } from "../support/locks.ts";
import { until } from "../support/until.ts";

const { db, sql } = await testDatabase();
const { get, post, dashboard } = askedDashboard({ db, authorize: () => "ada", link: ({ id }) => `/jobs/${id}` });

beforeEach(async () => {
  await sql`truncate soniq_jobs, soniq_audit`;
});

const audit = async () => (await get<AuditView>("audit")).body.entries;
const statesOf = async () =>
  Object.fromEntries(
    (await sql`select state, count(*)::int from soniq_jobs group by 1`).map((row) => [row["state"], row["count"]]),
  );

/** All lines of what is answered. */
async function bulk(verb: string, filter: object): Promise<BulkProgressView[]> {
  const response = await dashboard(bulkRequest(verb, filter));
  expect(response.headers.get("content-type")).toBe("application/x-ndjson");
  const lines = (await response.text()).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as BulkProgressView);
}

function bulkRequest(verb: string, filter: object, init: RequestInit = {}): Request {
  const headers = { "x-soniq": "1", "content-type": "application/json" };
  return requestOf(`/api/dead-letters/${verb}`, { method: "POST", headers, body: JSON.stringify(filter), ...init });
}

test("they are counted by job, reason and error", async () => {
  await died(sql, [
    { name: "mail", error: "TypeError", minutesAgo: 10 },
    { name: "mail", error: "TypeError", minutesAgo: 5 },
    { name: "pdf", queue: "slow", reason: "invalid payload: no" },
  ]);
  const { body } = await get<DeadLetterGroupsView>("dead-letters/groups");
  expect(body).toMatchObject({
    count: 3,
    groups: [
      { name: "mail", reason: "out of attempts", error: "TypeError", count: 2 },
      { name: "pdf", reason: "invalid payload", count: 1 },
    ],
  });
  expect(Date.parse(body.groups[0]?.newest as string) - Date.parse(body.groups[0]?.oldest as string)).toBe(300_000);
  const slow = await get<DeadLetterGroupsView>("dead-letters/groups?queue=slow");
  expect(slow.body.groups.map(({ name }) => name)).toEqual(["pdf"]);
});

test("they are listed page by page, newest first, with what they died of and a link", async () => {
  const [first, second, third] = await died(sql, [{ minutesAgo: 3 }, { minutesAgo: 2 }, { minutesAgo: 1 }]);
  const page = (await get<DeadLetterListView>("dead-letters?limit=2")).body;
  expect(page.deadLetters).toMatchObject([
    { id: third, state: "dead", error: "Error: no", manualRetries: 0, link: `/jobs/${third}` },
    { id: second },
  ]);
  const cursor = encodeURIComponent(page.next as string);
  expect((await get<DeadLetterListView>(`dead-letters?limit=2&cursor=${cursor}`)).body).toMatchObject({
    deadLetters: [{ id: first }],
    next: null,
  });
});

test.each([
  ["name=mail", 1],
  ["queue=slow", 1],
  ["reason=PAYLOAD", 1],
  ["error=TypeError", 1],
  ["tag=vip", 1],
  [`since=${encodeURIComponent(new Date(Date.now() - 3_600_000).toISOString())}`, 3],
  [`until=${encodeURIComponent(new Date(Date.now() - 3_600_000).toISOString())}`, 1],
  ["name=mail&queue=slow", 0],
])("they are filtered by %s", async (query, count) => {
  await died(sql, [
    { name: "mail", error: "TypeError" },
    { queue: "slow", reason: "invalid payload: no" },
    { tags: ["vip"] },
    { minutesAgo: 120, reason: "x" },
  ]);
  expect((await get<DeadLetterListView>(`dead-letters?${query}`)).body.deadLetters).toHaveLength(count);
  expect((await get<DeadLetterGroupsView>(`dead-letters/groups?${query}`)).body.count).toBe(count);
});

describe("of many at once,", () => {
  test("those that fit are retried, with a line for each thousand, and one entry in the log", async () => {
    await sql`insert into soniq_jobs (name, payload, state, unique_held, reason, finished_at)
      select case when n <= 2500 then 'mail' else 'other' end, '{}', 'dead', false, 'no', now() - n * interval '1 ms' from generate_series(1, 2600) n`;
    const lines = await bulk("retry", { name: "mail" });
    expect(lines).toEqual([
      { done: 1_000, refused: 0, finished: false },
      { done: 2_000, refused: 0, finished: false },
      { done: 2_500, refused: 0, finished: false },
      { done: 2_500, refused: 0, finished: true },
    ]);
    expect(await statesOf()).toEqual({ queued: 2_500, dead: 100 });
    expect(await audit()).toMatchObject([
      { actor: "ada", action: "dead-letters.retry", target: "", outcome: "2500 done, 0 refused" },
    ]);
    expect(await sql`select detail from soniq_audit`).toEqual([{ detail: { name: "mail" } }]);
  });

  test("those that cannot be are refused and counted", async () => {
    await died(sql, [{ uniqueKey: "k" }, {}]);
    await sql`insert into soniq_jobs (name, payload, unique_key) values ('work', '{}', 'k')`;
    expect((await bulk("retry", {})).at(-1)).toEqual({ done: 1, refused: 1, finished: true });
    expect(await audit()).toMatchObject([{ outcome: "1 done, 1 refused" }]);
  });

  test("those that are named are purged, and no other", async () => {
    const [first] = await died(sql, [{}, {}]);
    expect((await bulk("purge", { ids: [first] })).at(-1)).toEqual({ done: 1, refused: 0, finished: true });
    expect(await statesOf()).toEqual({ dead: 1 });
  });

  test.each([
    [{ names: "mail" }],
    [{ name: 1 }],
    [{ ids: ["1"] }],
    [{ ids: Array.from({ length: 1_001 }, (_, n) => n) }],
    [{ since: "yesterday" }],
    [[]],
  ])("a filter such as %j is refused, and nothing is done", async (filter) => {
    await died(sql, [{}]);
    const { status, body } = await post("dead-letters/purge", filter);
    expect(status).toBe(400);
    expect(body.error).toMatch(/^body/);
    expect(await statesOf()).toEqual({ dead: 1 });
  });

  test("none is done any more once whoever asked has gone, and the log says how far it came", async () => {
    await sql`insert into soniq_jobs (name, payload, state, unique_held, reason, finished_at)
      select 'mail', '{}', 'dead', false, 'no', now() - n * interval '1 ms' from generate_series(1, 3000) n`;
    const response = await dashboard(bulkRequest("retry", {}));
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    await until(async () => (await audit())[0]?.outcome !== "started");
    const [entry] = await audit();
    const [, done] = /^stopped after (\d+) done, 0 refused: the client disconnected$/.exec(entry?.outcome ?? "") ?? [];
    expect(await statesOf()).toEqual({ queued: Number(done), dead: 3_000 - Number(done) });
  });

  test.each(["retry", "purge"])("none is taken for all of them where no filter came: %s", async (verb) => {
    await died(sql, [{}]);
    // What `express.json()` leaves of a body that it has read.
    const emptied = await dashboard(bulkRequest(verb, {}, { body: "" }));
    expect(emptied.status).toBe(400);
    expect(await emptied.json()).toEqual({ error: expect.stringContaining("mount the dashboard before") });
    expect((await post(`dead-letters/${verb}`)).status).toBe(400);
    expect(await statesOf()).toEqual({ dead: 1 });
    expect(await audit()).toMatchObject([
      { outcome: expect.stringMatching(/^refused: the filter is missing/) },
      { outcome: expect.stringMatching(/^refused: the filter is missing/) },
    ]);
  });

  test("a filter that is none is written down as refused", async () => {
    expect((await post("dead-letters/purge", { names: "mail" })).status).toBe(400);
    expect(await audit()).toMatchObject([
      { action: "dead-letters.purge", outcome: expect.stringMatching(/^refused: body/) },
    ]);
  });

  test("none is done if it cannot be written down, which is not waited for without end", async () => {
    await died(sql, [{}]);
    const commit = await transactionWith(sql, "lock table soniq_audit");
    const { status } = await post("dead-letters/purge", {});
    await commit();
    expect(status).toBe(409);
    expect(await statesOf()).toEqual({ dead: 1 });
  });

  test("what keeps them from it is said in the last line, and in the log", async () => {
    await died(sql, [{}]);
    await sql`alter table soniq_jobs rename column manual_retries to gone`;
    const [last] = await bulk("retry", {});
    await sql`alter table soniq_jobs rename column gone to manual_retries`;
    expect(last).toEqual({
      done: 0,
      refused: 0,
      finished: false,
      error: expect.stringContaining("see the server's log for the error"),
    });
    expect(await audit()).toMatchObject([{ outcome: expect.stringMatching(/^stopped after 0 done, 0 refused: /) }]);
  });
});
