// examples/deploy/roles.sql: each role can do its work, and nothing else.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as v from "valibot";
import {
  cancelJob,
  defineJob,
  defineSchedule,
  enqueue,
  enqueueMany,
  getJob,
  getResult,
  waitFor,
} from "../../src/index.ts";
import {
  discardJob,
  listDeadLetters,
  listJobs,
  listQueues,
  listWorkers,
  pauseQueue,
  retryJobs,
  resumeQueue,
  runJobNow,
} from "../../src/admin.ts";
import { findOpenSchemas } from "../../src/database/exposure.ts";
import { findErrorCode } from "../../src/core/errors.ts";
import {
  publishEvent,
  defineEvent,
  deleteEndpoint,
  jobCompleted,
  listEndpoints,
  pauseEndpoint,
  registerEndpoint,
  rotateSecret,
} from "../../src/webhooks.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { startReceiver, webhooks } from "../support/receiver.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();

// Roles are the whole server's: under names of this run's own.
const suffix = randomBytes(4).toString("hex");
const file = readFileSync(new URL("../../examples/deploy/roles.sql", import.meta.url), "utf8");
const text = file.replace(/\bsoniq_(enqueue|work|read)\b/g, `$&_${suffix}`);
const roles = ["enqueue", "work", "read"] as const;

/** The roles' database as somebody sees it who has logged in with one of them. */
function as(role: (typeof roles)[number]): { url: string; sql: Sql } {
  const own = new URL(url);
  own.username = `login_${role}_${suffix}`;
  own.password = suffix;
  const client = postgres(own.href, { max: 2, onnotice: () => {} });
  afterAll(() => client.end());
  return { url: own.href, sql: client };
}

beforeAll(async () => {
  // Twice: it can be applied after each migration.
  await sql.unsafe(text);
  await sql.unsafe(text);
  for (const role of roles)
    await sql.unsafe(`create role login_${role}_${suffix} login password '${suffix}' in role soniq_${role}_${suffix}`);
});

afterAll(async () => {
  for (const role of roles) {
    await sql.unsafe(`drop role login_${role}_${suffix}`);
    await sql.unsafe(`drop owned by soniq_${role}_${suffix}; drop role soniq_${role}_${suffix}`);
  }
});

const job = defineJob({ name: "job", payload: v.object({ n: v.number() }) });
const pinged = defineEvent({ name: "pinged", payload: v.number() });

async function refused(statement: PromiseLike<unknown>): Promise<void> {
  const said = await Promise.resolve(statement).then(
    () => "it was not refused",
    (error: unknown) => findErrorCode(error) ?? error,
  );
  expect(said).toBe("42501");
}

const everyone = [
  "delete from soniq_jobs",
  "truncate soniq_jobs",
  "update soniq_jobs set payload = '{}'",
  "select payload from soniq_jobs",
  "insert into soniq_jobs (name, payload) values ('job', '{}')",
  "insert into soniq_workers default values",
  "delete from soniq_workers",
  "update soniq_queues set paused_at = now()",
  "insert into soniq_queues (name) values ('mine')",
  "insert into soniq_stats (minute, queue, name, measure) values (now(), 'q', 'n', 'm')",
  "select secrets from soniq_webhook_endpoints",
  "insert into soniq_webhook_endpoints (url) values ('https://evil.example')",
  "update soniq_webhook_endpoints set url = 'https://evil.example'",
  "delete from soniq_webhook_endpoints",
  "delete from soniq_schedules",
  "insert into soniq_audit (actor, action, outcome) values ('me', 'read', 'done')",
  "update soniq_audit set actor = 'me'",
  "delete from soniq_audit",
  "alter table soniq_jobs add column mine int",
  "drop table soniq_jobs",
  "create table mine ()",
  "select setval('soniq_jobs_id_seq', 1)",
];

/** What else it is refused. @param allowed what it may do of that */
async function isRefusedAllBut(client: Sql, allowed: readonly string[]): Promise<void> {
  for (const statement of everyone) {
    if (!allowed.includes(statement)) await refused(client.unsafe(statement));
  }
}

describe("the role that", () => {
  test("enqueues also publishes, cancels and discards, with unique keys and the doorbell, and may do no more", async () => {
    const own = as("enqueue");
    const client = drizzle({ client: postgres(own.url, { max: 2, onnotice: () => {} }) });
    afterAll(() => client.$client.end());
    const first = await enqueue(client, job, { n: 1 }, { uniqueKey: "one" });
    expect(await enqueue(client, job, { n: 1 }, { uniqueKey: "one" })).toEqual({ ...first, deduplicated: true });
    await client.transaction(async (tx) => {
      await enqueueMany(tx, job, [{ n: 2 }, { n: 3 }], ({ n }) => ({ uniqueKey: `${n}` }));
    });
    const many = await enqueueMany(client, job, [{ n: 2 }, { n: 4 }], ({ n }) => ({ uniqueKey: `${n}` }));
    expect(many.map(({ deduplicated }) => deduplicated)).toEqual([true, false]);
    expect(await cancelJob(client, first.id, "no longer wanted")).toBe("cancelled");
    await sql`update soniq_jobs set state = 'active', worker_id = gen_random_uuid() where id = ${many[0]?.id as number}`;
    expect(await cancelJob(client, many[0]?.id as number)).toBe("requested");
    expect(await discardJob(client, many[1]?.id as number, "no longer wanted")).toBe("discarded");
    await registerEndpoint(db, webhooks, { allTenants: true, events: "all", url: "https://example.com/" });
    expect((await publishEvent(client, pinged, 1)).deliveries).toHaveLength(1);
    // With what is said there to be needed for endpoints, they are registered, given another secret, paused and deleted.
    const more = text.split("\n").filter((line) => line.startsWith("--   grant "));
    expect(more).toHaveLength(2);
    await sql.unsafe(more.join("\n").replaceAll("--   ", "").replaceAll("…", `soniq_enqueue_${suffix}`));
    const { id } = await registerEndpoint(client, webhooks, {
      allTenants: true,
      events: "all",
      url: "https://example.com/",
    });
    await publishEvent(client, pinged, 2);
    await rotateSecret(client, webhooks, id);
    await pauseEndpoint(client, id);
    await deleteEndpoint(client, id);
    expect(await sql`select from soniq_jobs where reason = 'its endpoint was deleted'`).toHaveLength(1);
    await sql.unsafe(text);
    await sql`delete from soniq_webhook_endpoints`;
    await isRefusedAllBut(own.sql, ["insert into soniq_jobs (name, payload) values ('job', '{}')"]);
    await sql`delete from soniq_jobs`;
  });

  test("enqueues also throttles, and replaces, reschedules and has jobs run now where it is granted what is written there for that", async () => {
    const own = as("enqueue");
    const client = drizzle({ client: own.sql });
    const { name, payload } = job;
    const throttled = defineJob({ name, payload, unique: { by: ["n"], within: "1h" } });
    const first = await enqueue(client, throttled, { n: 1 });
    await sql`update soniq_jobs set state = 'completed', finished_at = now(), unique_expires_at = now()`;
    expect(await enqueue(client, throttled, { n: 1 })).not.toEqual(first);
    expect((await enqueueMany(client, throttled, [{ n: 1 }]))[0]?.deduplicated).toBe(true);

    const replaced = defineJob({ name: "replaced", payload, unique: { by: [], onConflict: "replace" } });
    const moved = defineJob({ name: "moved", payload, unique: { by: [], onConflict: "reschedule", maxWait: "1h" } });
    const later = await enqueue(client, job, { n: 1 }, { delay: "1h" });
    await refused(enqueue(client, replaced, { n: 1 }));
    await refused(runJobNow(client, later));
    const grants = text.split("\n").filter((line) => /^-- (grant|  update)/.test(line));
    expect(grants).toHaveLength(2);
    await sql.unsafe(grants.join("\n").replaceAll("-- ", ""));
    for (const n of [1, 2]) {
      await enqueue(client, replaced, { n });
      await enqueueMany(client, replaced, [{ n: n + 2 }]);
      await enqueue(client, moved, { n }, { delay: `${n}m` });
      await enqueueMany(client, moved, [{ n: n + 2 }], { delay: `${n}m` });
    }
    expect(await runJobNow(client, later)).toBe("due");
    const jobs = await sql`select payload ->> 'n' as n from soniq_jobs where name in ('replaced', 'moved')`;
    expect([...jobs]).toEqual([{ n: "4" }, { n: "4" }]);
    // What they add is taken back with the rest when the file is applied again.
    await sql.unsafe(text);
    await refused(enqueue(client, replaced, { n: 1 }));
    await sql`delete from soniq_jobs`;
  });

  test("works does all that a worker does, and may do no more", async () => {
    const own = as("work");
    const client = drizzle({ client: postgres(own.url, { max: 2, onnotice: () => {} }) });
    afterAll(() => client.$client.end());
    const receiver = await startReceiver();
    const endpoint = { allTenants: true, url: receiver.url, events: [pinged, jobCompleted] } as const;
    await registerEndpoint(db, webhooks, endpoint);
    const gone = await startReceiver();
    gone.says = { status: 410 };
    await registerEndpoint(db, webhooks, { allTenants: true, url: gone.url, events: [pinged] });
    await publishEvent(db, pinged, 1);
    const config = {
      connection: own.url,
      webhooks,
      jobs: { job },
      retention: { completed: 0 },
      pollInterval: "50ms",
      rescueInterval: "50ms",
    } as const;
    const follow = async ({ n }: { n: number }) => {
      if (n === 1) await enqueue(client, job, { n: 2 });
      if (n === 3) throw new Error("not yet");
    };
    const schedules = [defineSchedule({ name: "often", job, payload: { n: 5 }, every: "1s" })];
    const { worker, event, events, settled } = await startWorker({ ...config, schedules, handlers: { job: follow } });
    const { id } = await enqueue(db, job, { n: 1 });
    const failing = await enqueue(db, job, { n: 3 }, { maxAttempts: 1 });
    await settled(id, "completed");
    await event("completed", ({ job: { payload } }) => (payload as { n: number }).n === 2);
    await event("completed", ({ job: { meta } }) => meta.schedule === "often");
    await settled(failing.id, "dead");
    expect(await jobRow(db, failing.id)).toMatchObject({ reason: "out of attempts: not yet" });
    await event("completed", ({ job: { name } }) => name === "soniq.webhook");
    await event("dead", ({ job: { name } }) => name === "soniq.webhook");
    expect((await listEndpoints(db)).map(({ state }) => state)).toEqual(["working", "paused"]);
    await worker.stop();
    expect(await sql`select from soniq_stats where name = 'job' and measure = 'dead'`).toHaveLength(1);
    expect(await retryJobs(client, failing.id)).toEqual({ retried: [failing.id], refused: [] });
    await pauseQueue(client, "paused");
    expect(await resumeQueue(client, "paused")).toBe(true);
    expect(events.filter(({ type }) => type === "error")).toEqual([]);
    await isRefusedAllBut(own.sql, [
      "insert into soniq_audit (actor, action, outcome) values ('me', 'read', 'done')",
      "update soniq_audit set actor = 'me'",
      "delete from soniq_audit",
      "delete from soniq_jobs",
      "update soniq_jobs set payload = '{}'",
      "select payload from soniq_jobs",
      "insert into soniq_jobs (name, payload) values ('job', '{}')",
      "insert into soniq_workers default values",
      "delete from soniq_workers",
      "update soniq_queues set paused_at = now()",
      "insert into soniq_queues (name) values ('mine')",
      "insert into soniq_stats (minute, queue, name, measure) values (now(), 'q', 'n', 'm')",
      "select secrets from soniq_webhook_endpoints",
    ]);
  });

  test("reads may look at everything but secrets, and change nothing", async () => {
    const own = as("read");
    const client = drizzle({ client: postgres(own.url, { max: 1, onnotice: () => {} }) });
    afterAll(() => client.$client.end());
    for (const table of [
      "soniq_audit",
      "soniq_jobs",
      "soniq_queues",
      "soniq_schedules",
      "soniq_stats",
      "soniq_workers",
    ])
      await own.sql.unsafe(`select * from ${table}`);
    const { id } = await enqueue(db, job, { n: 1 });
    expect(await getJob(client, job, id)).toMatchObject({ payload: { n: 1 } });
    expect(await waitFor(client, job, id, { timeout: 0 })).toMatchObject({ status: "pending" });
    await sql`delete from soniq_jobs where id = ${id}`;
    expect(await getResult(client, job, id)).toEqual({ status: "expired" });
    expect(await listEndpoints(client)).toHaveLength(2);
    await refused(enqueue(client, job, { n: 1 }));
    await refused(enqueueMany(client, job, [{ n: 1 }]));
    await refused(cancelJob(client, 1));
    const dead = await enqueue(db, job, { n: 1 });
    await sql`update soniq_jobs set state = 'dead', finished_at = now() where id = ${dead.id}`;
    expect((await listDeadLetters(client, { name: "job", ids: [dead.id] })).deadLetters).toMatchObject([
      { id: dead.id },
    ]);
    expect((await listQueues(client)).map(({ name }) => name)).toContain("paused");
    expect(await listWorkers(client)).not.toEqual([]);
    await refused(discardJob(client, 1));
    await refused(runJobNow(client, 1));
    await refused(retryJobs(client, dead.id));
    await refused(pauseQueue(client, "paused"));
    await isRefusedAllBut(own.sql, ["select payload from soniq_jobs"]);
  });
});

test("a role that could create functions in public, as in databases of PostgreSQL 14, cannot any more", async () => {
  await sql`grant create on schema public to public`;
  expect(await findOpenSchemas(db)).toContain("revoke create on schema public from public");
  const own = as("enqueue");
  await own.sql`create function public.to_jsonb(t text) returns jsonb language plpgsql as $$ begin raise exception 'called'; end $$`;
  // Were it there already, nothing would call it.
  await enqueue(db, job, { n: 1 });
  expect((await listJobs(db, { tag: "x" })).jobs).toEqual([]);
  await publishEvent(db, pinged, 1);
  await sql.unsafe(text);
  expect(await findOpenSchemas(db)).toBeUndefined();
  await refused(own.sql`create function public.mine() returns int language sql as 'select 1'`);
  await sql`drop function public.to_jsonb(text)`;
});
