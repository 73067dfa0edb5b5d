// Jobs that lie behind the claims' marks: once a look has found some of them, the others follow at once.
import { afterAll, expect, test } from "vitest";
import { Claimer } from "../../src/worker/queue/claimer.ts";
import type { Settings } from "../../src/worker/settings/settings.ts";
import { testDatabase } from "../support/database.ts";
import { sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";

const { db, sql } = await testDatabase();
const workerId = await sessionOf(db);
const held = await sql.reserve();
afterAll(() => held.release());

const late = 300;
const ten = 10;

const enqueueIn = (queue: string, jobs: number, on = sql) =>
  on`insert into soniq_jobs (name, payload, queue) select 'late', '1', ${queue} from generate_series(1, ${jobs}::int)`;

let tokens = 0;

/** A claimer whose marks have left the beginning behind. */
async function claimerOf(queue: string): Promise<Claimer> {
  const claimer = new Claimer(
    db,
    queue,
    { runnables: new Map(), timeoutGraceMs: 5_000 } as unknown as Settings,
    () => false,
    () => {},
    () => (tokens += 1),
  );
  await sql`insert into soniq_jobs (name, payload, queue, priority)
    select 'early', '1', ${queue}, 3 + 2 * (n % 3) from generate_series(1, 6000) n`;
  for (let claimed = 0; claimed < 6_000;) claimed += (await claimer.claim(workerId, 500)).jobs.length;
  return claimer;
}

const ways: Record<string, (queue: string, meanwhile: () => Promise<Claimer>) => Promise<Claimer>> = {
  "whose transaction committed after newer ones were claimed": async (queue, meanwhile) => {
    await held`begin`;
    await enqueueIn(queue, late, held);
    const claimer = await meanwhile();
    await held`commit`;
    return claimer;
  },
  "that plain SQL dates back": async (queue, meanwhile) => {
    const claimer = await meanwhile();
    await sql`insert into soniq_jobs (name, payload, queue, run_at)
      select 'late', '1', ${queue}, now() - interval '1 hour' from generate_series(1, ${late}::int)`;
    return claimer;
  },
  "that plain SQL moves to this queue": async (queue, meanwhile) => {
    await enqueueIn("elsewhere", late);
    const claimer = await meanwhile();
    await sql`update soniq_jobs set queue = ${queue} where queue = 'elsewhere'`;
    return claimer;
  },
  "that somebody had locked": async (queue, meanwhile) => {
    await enqueueIn(queue, late);
    await held`begin`;
    await held`select from soniq_jobs where queue = ${queue} for update`;
    const claimer = await meanwhile();
    await held`rollback`;
    return claimer;
  },
  "of several priorities": async (queue, meanwhile) => {
    const claimer = await meanwhile();
    await sql`insert into soniq_jobs (name, payload, queue, priority, run_at)
      select 'late', '1', ${queue}, 3 + 2 * (n % 3), now() - interval '1 hour' from generate_series(1, ${late}::int) n`;
    return claimer;
  },
};

test.each(Object.keys(ways))("each claim after the first find brings all it asks for: jobs %s", async (way) => {
  const claimer = await ways[way]!(way, () => claimerOf(way));
  let claimed = (
    await until(async () => {
      const { jobs } = await claimer.claim(workerId, ten);
      return jobs.length > 0 && jobs;
    })
  ).length;
  let claims = 1;
  for (; claimed < late; claims += 1) claimed += (await claimer.claim(workerId, ten)).jobs.length;
  expect(claims).toBe(late / ten);
});

test("what is enqueued at a better priority meanwhile goes first", async () => {
  const claimer = await ways["that plain SQL dates back"]!("urgent", () => claimerOf("urgent"));
  await until(async () => (await claimer.claim(workerId, ten)).jobs.length > 0);
  await sql`insert into soniq_jobs (name, payload, queue, priority) select 'now', '1', 'urgent', 0 from generate_series(1, 3)`;
  const { jobs } = await claimer.claim(workerId, ten);
  expect(jobs.map(({ name }) => name)).toEqual(["now", "now", "now", ...Array.from({ length: 7 }, () => "late")]);
});
