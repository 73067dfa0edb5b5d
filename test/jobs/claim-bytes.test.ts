// A claim is bounded by the bytes of its payloads, whatever a worker has room for.
import { beforeEach, describe, expect, test } from "vitest";
import { claimBatch, claimByIds, maxClaimBytes } from "../../src/jobs/claim/claim.ts";
import { queueStart } from "../../src/jobs/claim/claim-positions.ts";
import { testDatabase } from "../support/database.ts";
import { sessionOf } from "../support/sessions.ts";

const { db, sql } = await testDatabase();
let input = { workerId: "", claimToken: 1, queue: "default", limit: 1_000, deadlines: "{}", defaultDeadlineMs: 60_000 };
const claimAll = () => claimBatch(db, { ...input, from: queueStart });
const bytesOf = (jobs: readonly { payload: string }[]) => jobs.reduce((sum, { payload }) => sum + payload.length, 0);

beforeEach(async () => {
  await sql`truncate soniq_jobs`;
  input = { ...input, workerId: await sessionOf(db) };
});

/** Payloads of about a megabyte. */
const megabytes = {
  "that compress well": (jobs: number) =>
    sql`insert into soniq_jobs (name, payload) select 'large', to_jsonb(repeat('x', 1000000)) from generate_series(1, ${jobs}::int)`,
  "that do not compress": (jobs: number) =>
    sql`insert into soniq_jobs (name, payload) select 'large', to_jsonb((
        select string_agg(md5((n * i)::text), '') from generate_series(1, 31250) i
      )) from generate_series(1, ${jobs}::int) n`,
};

describe.each(Object.entries(megabytes))("of payloads of a megabyte, %s", (_, insert) => {
  test("a claim brings few, says that there are more, and the next ones bring the rest", async () => {
    await insert(40);
    let claimed = 0;
    for (let claims = 0; claimed < 40; claims += 1) {
      const { jobs, isTruncated } = await claimAll();
      expect(jobs.length).toBeGreaterThan(0);
      expect(bytesOf(jobs)).toBeLessThan(5 * maxClaimBytes);
      claimed += jobs.length;
      expect(isTruncated).toBe(claimed < 40);
    }
  });
});

test("small ones are not held up behind a large one, nor is that left out", async () => {
  await sql`insert into soniq_jobs (name, payload) select 'small', '1' from generate_series(1, 10)`;
  await megabytes["that do not compress"](1);
  await sql`insert into soniq_jobs (name, payload) select 'small', '1' from generate_series(1, 10)`;
  expect(await claimAll()).toMatchObject({ jobs: { length: 21 }, isTruncated: false });
});

test("one that is larger than all bounds is claimed alone", async () => {
  await megabytes["that do not compress"](3);
  const bound = { ...input, from: queueStart, maxBytes: 1 };
  for (const isTruncated of [true, true, false])
    expect(await claimBatch(db, bound)).toMatchObject({ jobs: { length: 1 }, isTruncated });
});

test("nor are jobs claimed by their ids without that bound", async () => {
  await megabytes["that do not compress"](20);
  const ids = (await sql`select id::int from soniq_jobs`).map(({ id }) => id as number);
  const { jobs, isTruncated } = await claimByIds(db, { ...input, ids });
  expect(isTruncated).toBe(true);
  expect(bytesOf(jobs)).toBeLessThan(2 * maxClaimBytes);
});
