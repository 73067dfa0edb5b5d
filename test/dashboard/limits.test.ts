// However much is asked for, and whatever goes wrong: it ends soon, and says nothing that it should not.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { describe, expect, test } from "vitest";
import { createDashboard } from "../../src/dashboard.ts";
import { askedDashboard, requestOf, token } from "../support/dashboard.ts";
import { testDatabase } from "../support/database.ts";

const { db, sql, url } = await testDatabase();

/** What is answered while a view stands in the place of the workers, of whom there is one. */
async function workersBy(columns: string) {
  await sql`truncate soniq_workers`;
  await sql`insert into soniq_workers default values`;
  await sql`alter table soniq_workers rename to real_workers`;
  try {
    await sql.unsafe(`create view soniq_workers as select ${columns} from real_workers`);
    const { status, body } = await askedDashboard({ db }).get("workers");
    return { status, body };
  } finally {
    await sql`drop view if exists soniq_workers`;
    await sql`alter table real_workers rename to soniq_workers`;
  }
}

test("what takes PostgreSQL longer than five seconds is given up, with a sentence that says what to do", async () => {
  expect(await workersBy("*, pg_sleep(30)::text as slept")).toEqual({
    status: 503,
    body: { error: "the query took longer than 5 s: narrow it by queue, job, state or a shorter time range" },
  });
});

test("what reads can do nothing else, whatever it meets", async () => {
  await sql`create table written (n int)`;
  await sql`create function write() returns int language sql as 'insert into written values (1) returning n'`;
  expect(await workersBy("*, write() as written")).toEqual({
    status: 503,
    body: { error: "the database is read-only: connect the dashboard to the primary to make changes" },
  });
  expect(await sql`select from written`).toHaveLength(0);
});

describe("a body", () => {
  const { post, dashboard } = askedDashboard({ db });

  test("of more than 64 KiB is not read", async () => {
    const reason = "a".repeat(64 * 1024);
    expect(await post("jobs/1/cancel", { reason })).toMatchObject({
      status: 413,
      body: { error: "the body has more than 65536 bytes: send a smaller one" },
    });
  });

  test("that does not say how long it is, neither", async () => {
    let chunks = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        chunks += 1;
        controller.enqueue(new Uint8Array(16 * 1024).fill(97));
      },
    });
    const headers = { "x-soniq": "1", "content-type": "application/json" };
    const init = { method: "POST", headers, body: endless, duplex: "half" } as RequestInit;
    expect((await dashboard(requestOf("/api/jobs/1/cancel", init))).status).toBe(413);
    expect(chunks).toBeLessThan(10);
  });

  test.each(["{", "[]", "null", "1", '"a"'])("that is %s is refused", async (body) => {
    const headers = { "x-soniq": "1", "content-type": "application/json" };
    const response = await dashboard(requestOf("/api/jobs/1/cancel", { method: "POST", headers, body }));
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.stringMatching(/^body is not (valid JSON|a JSON object)/) });
  });
});

describe("an error", () => {
  test("of an unreachable database says no address and no password", async () => {
    const client = postgres("postgres://app:hunter2@127.0.0.1:1/secret_db", { max: 1, connect_timeout: 1 });
    const { status, body } = await askedDashboard({ db: drizzle({ client }) }).get("queues");
    expect(status).toBe(503);
    expect(body).toEqual({ error: "PostgreSQL does not answer: try again in a moment" });
  });

  test("of missing tables says how to migrate", async () => {
    const { db: empty } = await testDatabase({ migrated: false });
    const { status, body } = await askedDashboard({ db: empty }).get("jobs");
    expect(status).toBe(503);
    expect(body).toEqual({ error: expect.stringContaining("drizzle-kit migrate") });
  });

  test("of PostgreSQL's says no statement", async () => {
    expect(await workersBy("*, 1 / floor(random()) as broken")).toEqual({
      status: 500,
      body: { error: "this failed on the server: see the server's log for the error" },
    });
  });

  test("of a role that may not change anything says what to grant", async () => {
    await sql`create role looks login password 'looks'`;
    await sql`grant select on all tables in schema public to looks`;
    const own = new URL(url);
    own.username = own.password = "looks";
    const client = postgres(own.href, { max: 1, onnotice: () => {} });
    const { get, post } = askedDashboard({ db: drizzle({ client }) });
    expect((await get("queues")).status).toBe(200);
    expect(await post("queues/a/pause")).toMatchObject({
      status: 503,
      body: { error: expect.stringContaining("roles.sql") },
    });
    await client.end();
    await sql`drop owned by looks`;
    await sql`drop role looks`;
  });
});

test.each([
  "/api/../../../etc/passwd",
  "/..%2f..%2fpackage.json",
  "/app.js/../index.ts",
  "/LICENSES.txt",
  "/package.json",
])("%s is no way to a file beside the page", async (path) => {
  const response = await createDashboard({ db, token })(requestOf(path));
  expect(response.status).toBe(404);
});

test("the page comes without a token, and finds its files wherever it is mounted", async () => {
  const dashboard = createDashboard({ db, token, basePath: "/admin/jobs" });
  const headers = { authorization: "" };
  for (const path of ["/admin/jobs", "/admin/jobs/"]) {
    const page = await dashboard(requestOf(path, { headers }));
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    const html = await page.text();
    const files = [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, file]) => file as string);
    expect(files.toSorted()).toEqual(["/admin/jobs/app.css", "/admin/jobs/app.js"]);
    for (const file of files) expect((await dashboard(requestOf(file, { headers }))).status).toBe(200);
  }
});
