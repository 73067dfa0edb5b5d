// A job's story, as the dashboard tells it.
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as v from "valibot";
import type { AuditView, JobView } from "../../src/dashboard/wire.ts";
import { defineJob, enqueue, type JobContext } from "../../src/index.ts";
import { askedDashboard } from "../support/dashboard.ts";
import { testDatabase } from "../support/database.ts";
import { startWorker } from "../support/worker.ts";

const { db, sql, url } = await testDatabase();
const { get } = askedDashboard({ db });
const order = defineJob({ name: "order", payload: v.any() });

beforeEach(async () => {
  await sql`truncate soniq_jobs, soniq_audit`;
});

const story = async (id: number, query = "") => (await get<JobView>(`jobs/${id}${query}`)).body;

describe("a job's story", () => {
  let id: number;
  beforeAll(async () => {
    await sql`truncate soniq_jobs`;
  });

  test("tells what happened, oldest first, with errors, logs and worker", async () => {
    let tries = 0;
    const { settled } = await startWorker({
      connection: url,
      jobs: { order },
      pollInterval: "50ms",
      handlers: {
        async order(_: unknown, job: JobContext) {
          job.log("trying", { password: "p", n: ++tries });
          if (tries === 1) throw new TypeError("no such order");
          await job.progress({ done: 1 });
        },
      },
    });
    ({ id } = await enqueue(db, order, { order: 1 }, { uniqueKey: "order-1", meta: { requestId: "r" } }));
    await settled(id, "queued");
    await sql`update soniq_jobs set run_at = now() where id = ${id} and state = 'queued'`;
    await settled(id, "completed");
    const job = await story(id);
    expect(job).toMatchObject({
      payload: { order: 1 },
      meta: { requestId: "r" },
      progress: { done: 1 },
      uniqueKey: expect.stringContaining("order-1"),
      workerId: null,
      crashes: 0,
      manualRetries: 0,
      actions: [],
      redacted: ["logs[0].fields.password", "logs[1].fields.password"],
      logs: [
        { attempt: 1, message: "trying", fields: { password: "•••", n: 1 } },
        { attempt: 2, message: "trying", fields: { password: "•••", n: 2 } },
      ],
    });
    const worker = expect.stringMatching(/^[\da-f-]{36}$/) as string;
    expect(job.timeline.filter(({ what }) => what !== "due")).toMatchObject([
      { what: "enqueued", attempt: null, worker: null },
      {
        what: "failed",
        attempt: 1,
        worker,
        message: "TypeError: no such order",
        stack: expect.stringContaining("job-story.test.ts"),
      },
      { what: "claimed", attempt: 2, worker },
      { what: "completed", attempt: 2, worker, message: null },
    ]);
  });

  test("does not show secrets, however deep, in any part", async () => {
    const secrets = {
      Password: "1",
      api_key: 2,
      pwd: 3,
      accessKey: 4,
      nested: [{ "X-Authorization": { scheme: "b" }, ok: true, privateKey: ["k"] }],
      accessToken: null,
      cookies: "c",
      harmless: "password",
    };
    const rows = await sql`insert into soniq_jobs (name, payload, state, result, progress, meta, finished_at)
      values ('a', ${sql.json(secrets)}, 'completed', ${sql.json(secrets)}, ${sql.json(secrets)}, ${sql.json(secrets)}, now())
      returning id::int`;
    const hidden = {
      Password: "•••",
      api_key: "•••",
      pwd: "•••",
      accessKey: "•••",
      nested: [{ "X-Authorization": "•••", ok: true, privateKey: "•••" }],
      accessToken: "•••",
      cookies: "•••",
      harmless: "password",
    };
    const job = await story(rows[0]?.["id"] as number);
    expect(job).toMatchObject({ payload: hidden, result: hidden, progress: hidden, meta: hidden });
    expect(job.redacted).toHaveLength(32);
    expect(job.redacted).toEqual(
      expect.arrayContaining(["payload.Password", 'meta.nested[0]["X-Authorization"]', "result.nested[0].privateKey"]),
    );
  });

  test("does not show them in what a validator says of them, which may quote them", async () => {
    const digits = v.pipe(v.string(), v.regex(/^\d+$/));
    const pay = defineJob({
      name: "pay",
      payload: v.object({ card: v.object({ api_key: digits }), amount: v.unknown() }),
    });
    const rows =
      await sql`insert into soniq_jobs (name, payload) values ('pay', '{"card": {"api_key": "hunter2"}}') returning id::int`;
    id = rows[0]?.["id"] as number;
    const { settled } = await startWorker({
      connection: url,
      jobs: { pay },
      pollInterval: "50ms",
      handlers: { async pay() {} },
    });
    await settled(id, "dead");
    const job = await get<JobView>(`jobs/${id}`);
    expect(JSON.stringify(job.body)).not.toContain("hunter2");
    expect(job.body.reason).toContain("payload.card.api_key is not valid: ");
  });

  test("does not show them in a unique key that is made of fields either", async () => {
    const once = defineJob({
      name: "once:only",
      payload: v.any(),
      unique: { by: ["password", "n"], until: "finished" },
    });
    ({ id } = await enqueue(db, once, { password: "hunter2", n: 1 }));
    const job = await story(id);
    expect(job).toMatchObject({ uniqueKey: 'once%3Aonly:{"n":1,"password":"•••"}' });
    expect(job.redacted).toEqual(["payload.password", "uniqueKey.password"]);
    const { body } = await askedDashboard({ db, reveal: true }).get<JobView>(`jobs/${id}?reveal=1`);
    expect(body.uniqueKey).toBe('once%3Aonly:{"n":1,"password":"hunter2"}');
  });

  test("shows a unique key that is a text as it is", async () => {
    for (const uniqueKey of ["invoice:7", '{"n":1.0}', "{", "null"]) {
      ({ id } = await enqueue(db, order, {}, { uniqueKey }));
      expect((await story(id)).uniqueKey).toBe(`order:${uniqueKey}`);
    }
  });

  test("shows them to whoever may reveal them, and writes that down", async () => {
    ({ id } = await enqueue(db, order, { token: "t" }));
    const authorize = (request: Request, action: string) =>
      action === "job.reveal" ? request.headers.get("x-user") === "ada" && "ada" : "eve";
    const revealing = askedDashboard({ db, authorize, reveal: true, write: false });
    expect(await revealing.get(`jobs/${id}?reveal=1`)).toMatchObject({ status: 403 });
    expect((await revealing.get<JobView>(`jobs/${id}`)).body.payload).toEqual({ token: "•••" });
    const { body } = await revealing.get<JobView>(`jobs/${id}?reveal=1`, { "x-user": "ada" });
    expect(body).toMatchObject({ payload: { token: "t" }, redacted: [] });
    expect((await revealing.get("session")).body).toMatchObject({ mayReveal: true });
    expect((await revealing.get<AuditView>("audit")).body.entries).toMatchObject([
      { actor: "ada", action: "job.reveal", target: String(id), outcome: "shown" },
    ]);
  });

  test("is not revealed where the option is not set, whatever is asked", async () => {
    ({ id } = await enqueue(db, order, { token: "t" }));
    expect(await get(`jobs/${id}?reveal=1`)).toMatchObject({
      status: 403,
      body: { error: "this dashboard does not reveal redacted fields: set its option `reveal`" },
    });
  });

  test("hides more fields, where they are named", async () => {
    ({ id } = await enqueue(db, order, { iban: "DE", Street: "x", streetNumber: 1, phone: "1", phoneAtHome: "2" }));
    const careful = askedDashboard({ db, redact: ["IBAN", "street", /^phone/g] });
    for (let n = 0; n < 2; n += 1)
      expect((await careful.get<JobView>(`jobs/${id}`)).body.payload).toEqual({
        iban: "•••",
        Street: "•••",
        streetNumber: 1,
        phone: "•••",
        phoneAtHome: "•••",
      });
  });

  test("links to a page of the application, by http alone", async () => {
    ({ id } = await enqueue(db, order, { page: "x" }));
    const linkOf = async (address: string | undefined) =>
      (
        await askedDashboard({
          db,
          link: ({ id: job, payload }) => address?.replace(":id", `${job}-${(payload as { page: string }).page}`),
        }).get<JobView>(`jobs/${id}`)
      ).body.link;
    expect(await linkOf("https://shop.example/orders/:id")).toBe(`https://shop.example/orders/${id}-x`);
    expect(await linkOf("/orders")).toBe("/orders");
    expect(await linkOf(undefined)).toBeNull();
    for (const evil of [
      "javascript:alert(1)",
      " \njava\nscript:alert(1)",
      "data:text/html,x",
      "vbscript:x",
      "http://[",
    ])
      expect([evil, await linkOf(evil)]).toEqual([evil, null]);
  });

  test("is not found where there is no such job", async () => {
    expect(await get("jobs/999999999")).toMatchObject({
      status: 404,
      body: { error: "there is no job #999999999: it never existed or was deleted" },
    });
  });

  test("survives what plain SQL may have put there", async () => {
    const [row] = await sql`insert into soniq_jobs (name, payload, errors, logs, tags, meta, run_at)
      values ('a', 'null', '[1, null, {"at": "never"}, {"at": "2026-01-01", "message": {}}]', '[null, 1, {"message": "m"}]', '{}', '[]', 'infinity') returning id::int`;
    const { status, body } = await get<JobView>(`jobs/${row?.["id"]}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ runAt: null, payload: null, tags: [], actions: ["cancel", "discard"] });
  });
});
