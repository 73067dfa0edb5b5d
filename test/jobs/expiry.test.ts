// A job that has not begun an attempt in time is cancelled, however it was enqueued.
import { eq } from "drizzle-orm";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { soniqJobs } from "../../schema/jobs.ts";
import { defineJob, defineSchedule, enqueue, enqueueMany, getJob } from "../../src/index.ts";
import { retryJobs } from "../../src/admin.ts";
import { cancelExpired } from "../../src/jobs/upkeep/cancel-expired.ts";
import { claim } from "../../src/jobs/claim/claim.ts";
import { queueStart } from "../../src/jobs/claim/claim-positions.ts";
import { settle } from "../../src/jobs/settle/settle.ts";
import { syncSchedules } from "../../src/schedules/sync-schedules.ts";
import { toStoredSchedule } from "../../src/schedules/stored-schedule.ts";
import { triggerSchedule } from "../../src/schedules/trigger-schedule.ts";
import { publishEvent } from "../../src/webhooks/publish-event.ts";
import { defineEvent } from "../../src/webhooks/define-event.ts";
import { registerEndpoint } from "../../src/webhooks/endpoints.ts";
import { testDatabase } from "../support/database.ts";
import { sessionOf } from "../support/sessions.ts";

const { db, sql } = await testDatabase();
const job = defineJob({ name: "code", payload: v.null() });
const keyed = defineJob({ name: "keyed", payload: v.null(), unique: { by: [], onConflict: "replace" } });
const options = { expiresIn: "1h" } as const;
const hour = 3_600_000;

/** How long a job may wait, to the second. */
async function waitOf(id: number): Promise<number> {
  const { expiresAt, createdAt } = (await getJob(db, id))!;
  return Math.round((Number(expiresAt) - Number(createdAt)) / 1_000) * 1_000;
}

/** As if it had been enqueued so long ago. */
const letExpire = (id: number) => sql`update soniq_jobs set expires_at = now() - interval '1 second' where id = ${id}`;

const claimAll = async () => {
  const workerId = await sessionOf(db);
  const jobs = await claim(db, {
    workerId,
    claimToken: 1,
    queue: "default",
    limit: 10,
    from: queueStart,
    deadlines: "{}",
    defaultDeadlineMs: 60_000,
  });
  return { workerId, jobs };
};

describe("a job knows when it expires:", () => {
  test.each<[string, () => Promise<number>]>([
    ["enqueued", async () => (await enqueue(db, job, null, options)).id],
    ["enqueued among many", async () => (await enqueueMany(db, job, [null, null], options))[1]!.id],
    [
      "enqueued among many with options of its own",
      async () => (await enqueueMany(db, job, [null, null], (_, i) => (i === 1 ? options : {})))[1]!.id,
    ],
    ["with a unique key", async () => (await enqueue(db, keyed, null, options)).id],
    ["replaced by another", async () => (await enqueue(db, keyed, null, options)).id],
    [
      "of a schedule",
      async () => {
        const schedule = defineSchedule({ name: "daily", job, payload: null, cron: "0 3 * * *", options });
        await syncSchedules(db, [await toStoredSchedule(schedule)]);
        return (await triggerSchedule(db, "daily")).id;
      },
    ],
    [
      "a delivery",
      async () => {
        const keys = [Buffer.alloc(32, 1).toString("base64")];
        await registerEndpoint(db, { keys }, { url: "https://example.com/", events: "all", allTenants: true });
        const event = defineEvent({ name: "paid", payload: v.null() });
        return (await publishEvent(db, event, null, options)).deliveries[0]!;
      },
    ],
  ])("%s", async (_, enqueued) => {
    expect(await waitOf(await enqueued())).toBe(hour);
  });

  test("without the option, never", async () => {
    const { id } = await enqueue(db, job, null);
    expect(await getJob(db, id)).toMatchObject({ expiresAt: null });
  });
});

describe("once it has expired, a job", () => {
  test("is not claimed, and is cancelled with that reason", async () => {
    await sql`truncate soniq_jobs`;
    const { id } = await enqueue(db, job, null, options);
    await letExpire(id);
    expect((await claimAll()).jobs).toEqual([]);
    expect(await cancelExpired(db, { limit: 10 })).toEqual([{ id }]);
    expect(await getJob(db, id)).toMatchObject({ state: "cancelled", reason: "expired" });
    expect(await cancelExpired(db, { limit: 10 })).toEqual([]);
  });

  test("goes on if an attempt had begun", async () => {
    await sql`truncate soniq_jobs`;
    const { id } = await enqueue(db, job, null, options);
    const { workerId, jobs } = await claimAll();
    const error = { attempt: 1, worker: "w", name: "Error", message: "failed" };
    await settle(db, workerId, [{ id, claimToken: 1, outcome: { kind: "retried", delayMs: 0, error } }]);
    expect(jobs).toHaveLength(1);
    await letExpire(id);
    expect(await cancelExpired(db, { limit: 10 })).toEqual([]);
    expect((await claimAll()).jobs).toMatchObject([{ id, attempt: 2 }]);
  });

  test("that is a dead letter is retried without an expiry", async () => {
    const { id } = await enqueue(db, job, null, options);
    await db.update(soniqJobs).set({ state: "dead", finishedAt: new Date() }).where(eq(soniqJobs.id, id));
    await retryJobs(db, id);
    expect(await getJob(db, id)).toMatchObject({ state: "queued", expiresAt: null });
  });
});
