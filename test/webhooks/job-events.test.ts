// What endpoints are told of jobs, if they ask: in the statement that makes it so.
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";
import { createWorker, defineJob, enqueue, type WorkerConfig } from "../../src/index.ts";
import {
  jobCancelled,
  jobCompleted,
  jobDead,
  jobRetried,
  registerEndpoint,
  verifyWebhook,
} from "../../src/webhooks.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { startReceiver, webhooks } from "../support/receiver.ts";
import { observedWorker, startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const receiver = await startReceiver();
const events = [jobCompleted, jobRetried, jobDead, jobCancelled];

type Deed = "return" | "write" | "throw" | "discard" | "cancel" | "snooze";

const work = defineJob({
  name: "work",
  payload: v.custom<Deed>((value) => typeof value === "string"),
  maxAttempts: 2,
  backoff: () => 60_000,
});
const settings: WorkerConfig = {
  connection: url,
  jobs: { work },
  handlers: {
    work(
      what: string,
      job: { transaction(write: () => Promise<void>): Promise<void> } & Record<string, (of: string) => unknown>,
    ) {
      if (what === "throw") throw new Error("the printer is on fire");
      if (what === "write") return job.transaction(async () => {});
      return job[what]?.(what === "snooze" ? "1h" : "no longer wanted");
    },
  },
  webhooks,
  pollInterval: "20ms",
};

beforeEach(async () => {
  await sql`truncate soniq_jobs, soniq_webhook_endpoints`;
  (receiver.received as unknown[]).length = 0;
});

/** Runs one job, and all that follows from it. @returns its id */
async function run(what: Deed, config: Partial<WorkerConfig> = {}) {
  const { id } = await enqueue(db, work, what);
  const worker = createWorker({ ...settings, ...config });
  expect(await worker.drain({ wait: "0s" })).toBe(true);
  return id;
}

async function told(secret: string) {
  const webhooksReceived = await Promise.all(
    receiver.received.map((request) => verifyWebhook(request, secret, events)),
  );
  return webhooksReceived.map(({ type, data }) => ({ type, ...data }));
}

const common = { name: "work", queue: "default", maxAttempts: 2 };

describe("an endpoint that asks for it is told", () => {
  test.each([
    ["return", { type: "job.completed", attempt: 1, reason: null, error: null }],
    ["write", { type: "job.completed", attempt: 1, reason: null, error: null }],
    ["throw", { type: "job.retried", attempt: 1, reason: null, error: "the printer is on fire" }],
    ["discard", { type: "job.dead", attempt: 1, reason: "discarded: no longer wanted", error: "no longer wanted" }],
    ["cancel", { type: "job.cancelled", attempt: 1, reason: "no longer wanted", error: null }],
  ] as const)("of a job whose handler does this: %s", async (what, expected) => {
    const { secret } = await registerEndpoint(db, webhooks, { allTenants: true, url: receiver.url, events });
    const id = await run(what);
    expect(await told(secret)).toEqual([{ id, ...common, ...expected }]);
  });

  test("of a job that is completed where none of these would be kept", async () => {
    const { secret } = await registerEndpoint(db, webhooks, {
      allTenants: true,
      url: receiver.url,
      events: [jobCompleted],
    });
    const id = await run("return", { retention: { completed: 0 } });
    expect(await told(secret)).toMatchObject([{ id, type: "job.completed" }]);
  });
});

test("nobody is told of a job that is snoozed, nor of deliveries", async () => {
  await registerEndpoint(db, webhooks, { allTenants: true, url: receiver.url, events });
  await run("snooze");
  expect(await sql`select from soniq_jobs where name = 'soniq.webhook'`).toHaveLength(0);
  await run("return");
  expect(receiver.received).toHaveLength(1);
});

test("an endpoint that asks for all events is not told of jobs: for that it must name them", async () => {
  await registerEndpoint(db, webhooks, { allTenants: true, events: "all", url: receiver.url });
  await registerEndpoint(db, webhooks, { allTenants: true, url: receiver.url, events: [jobDead] });
  await run("return");
  expect(receiver.received).toHaveLength(0);
});

test("a job whose event cannot be published is settled without, and the worker tells of it", async () => {
  await registerEndpoint(db, webhooks, { allTenants: true, url: receiver.url, events: [jobCompleted] });
  await sql.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no more webhooks'; end $$;
    create trigger refuse before insert on soniq_jobs for each row when (new.name = 'soniq.webhook') execute function refuse()`);
  const { id } = await enqueue(db, work, "return");
  const observed = observedWorker(settings);
  expect(await observed.worker.drain({ wait: "0s" })).toBe(true);
  await sql`drop function refuse cascade`;
  expect(await jobRow(db, id)).toMatchObject({ state: "completed", claims: 1 });
  expect(observed.events).toContainEqual({
    type: "error",
    operation: `settling job ${id}: it is settled without its event`,
    error: expect.anything(),
  });
});

test("a worker hears of endpoints that ask from then on", async () => {
  const observed = await startWorker(settings);
  const before = await enqueue(db, work, "return");
  await observed.settled(before.id, "completed");
  expect(await sql`select from soniq_jobs where name = 'soniq.webhook'`).toHaveLength(0);
  await registerEndpoint(db, webhooks, { allTenants: true, url: receiver.url, events: [jobCompleted] });
  for (let found = 0; found === 0;) {
    const { id } = await enqueue(db, work, "return");
    await observed.settled(id, "completed");
    found = (await sql`select from soniq_jobs where name = 'soniq.webhook'`).length;
    expect((await jobRow(db, id))?.state).toBe("completed");
  }
});
