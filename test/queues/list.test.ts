// What there is to say of queues.
import { expect, test } from "vitest";
import { listQueues, pauseQueue, type QueueInfo, resumeQueue } from "../../src/admin.ts";
import { testDatabase } from "../support/database.ts";

const { db, sql } = await testDatabase();
const empty = { pausedAt: null, due: 0, scheduled: 0, parked: 0, active: 0, latencyMs: null };

test("queues are those in which jobs wait or run, that a live worker works, and that were paused", async () => {
  await sql`insert into soniq_jobs (name, queue, payload, priority, run_at) values
    ('a', 'mail', '{}', 0, now() - interval '1 minute'), ('a', 'mail', '{}', 9, now() - interval '1 hour'),
    ('a', 'mail', '{}', 5, now() + interval '1 hour'), ('a', 'later', '{}', 5, 'infinity')`;
  await sql`insert into soniq_jobs (name, queue, payload, state) values ('a', 'running', '{}', 'active'), ('a', 'mail', '{}', 'active')`;
  await sql`insert into soniq_jobs (name, queue, payload, state, finished_at) values ('a', 'old', '{}', 'completed', now())`;
  await sql`insert into soniq_workers (queues, lease_expires_at) values ('{"worked": 5}', now() + interval '1 hour'), ('{"dead": 5}', now())`;
  await pauseQueue(db, "paused");
  await pauseQueue(db, "resumed");
  await resumeQueue(db, "resumed");
  const queues = await listQueues(db);
  expect(queues).toEqual([
    { ...empty, name: "later", parked: 1 },
    { ...empty, name: "mail", due: 2, scheduled: 1, active: 1, latencyMs: expect.any(Number) },
    { ...empty, name: "paused", pausedAt: expect.any(Date) },
    { ...empty, name: "resumed" },
    { ...empty, name: "running", active: 1 },
    { ...empty, name: "worked" },
  ] satisfies QueueInfo[]);
  expect(queues[1]?.latencyMs).toBeGreaterThanOrEqual(3_600_000);
  expect(queues[1]?.latencyMs).toBeLessThan(3_700_000);
});

test("of many jobs no more than ten thousand are counted", async () => {
  await sql`insert into soniq_jobs (name, queue, payload, priority, run_at)
    select 'a', 'full', '{}', n % 10, now() + (n % 2 - 0.5) * interval '1 day' from generate_series(1, 30000) n`;
  const full = (await listQueues(db)).find(({ name }) => name === "full");
  expect(full).toMatchObject({ due: 10_000, scheduled: 10_000, active: 0 });
});
