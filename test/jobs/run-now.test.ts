// A job that waits for later need not.
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";
import { defineJob, enqueue } from "../../src/index.ts";
import { runJobNow } from "../../src/admin.ts";
import { wakeUpChannel } from "../../src/sessions/doorbell.ts";
import { publishIdleQueues } from "../../src/sessions/session.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { someoneWaits } from "../support/locks.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";

const { db, sql } = await testDatabase();
const work = defineJob({ name: "work", payload: v.null() });
const worker = await sessionOf(db);

beforeEach(() => sql`delete from soniq_jobs`);

const claimed = async () => (await claimAs(db, worker)).map(({ id }) => id);

test("a job that is scheduled is due at once, and nothing else of it has changed", async () => {
  const { id } = await enqueue(db, work, null, { delay: "1h", priority: 3, tags: ["a"], uniqueKey: "k" });
  const before = await jobRow(db, id);
  expect(await runJobNow(db, id)).toBe("due");
  const after = await jobRow(db, id);
  expect(after).toEqual({ ...before, runAt: after?.runAt });
  expect(await claimed()).toEqual([id]);
});

test("a job that waits out its backoff is due at once, at its next attempt and with its errors", async () => {
  const { id } = await enqueue(db, work, null, { delay: "1h" });
  await sql`update soniq_jobs set attempt = 3, claims = 3, errors = '[{"name": "Error"}]' where id = ${id}`;
  expect(await runJobNow(db, id)).toBe("due");
  expect(await jobRow(db, id)).toMatchObject({ state: "queued", attempt: 3, errors: [{ name: "Error" }] });
  expect(await claimAs(db, worker)).toMatchObject([{ id, attempt: 4 }]);
});

test("a job that is due keeps its place", async () => {
  const first = await enqueue(db, work, null);
  const second = await enqueue(db, work, null);
  expect(await runJobNow(db, first)).toBe("due");
  expect(await claimed()).toEqual([first.id, second.id]);
});

test("it is named by its id, or by what enqueue returned", async () => {
  const handle = await enqueue(db, work, null, { delay: "1h" });
  expect(await runJobNow(db, handle)).toBe("due");
  expect(await runJobNow(db, handle.id)).toBe("due");
});

describe("is left as it is", () => {
  test("a job that is parked, which only its endpoint frees", async () => {
    const { id } = await enqueue(db, work, null);
    await sql`update soniq_jobs set run_at = 'infinity' where id = ${id}`;
    expect(await runJobNow(db, id)).toBe("parked");
    expect(await claimed()).toEqual([]);
  });

  test("a job that runs", async () => {
    const { id } = await enqueue(db, work, null);
    await claimed();
    const before = await jobRow(db, id);
    expect(await runJobNow(db, id)).toBe("active");
    expect(await jobRow(db, id)).toEqual(before);
  });

  test.each(["completed", "cancelled", "dead"])("a job that is %s", async (state) => {
    const { id } = await enqueue(db, work, null, { delay: "1h" });
    await sql`update soniq_jobs set state = ${state}, finished_at = now() where id = ${id}`;
    const before = await jobRow(db, id);
    expect(await runJobNow(db, id)).toBe("not found");
    expect(await jobRow(db, id)).toEqual(before);
  });

  test.each([0, 1.5, NaN, 2 ** 60])("what %s names: nothing", async (id) => {
    expect(await runJobNow(db, id)).toBe("not found");
  });
});

test("a job that is being claimed is said to run, and one that is being retried is due", async () => {
  for (const [change, answer] of [
    [`state = 'active', worker_id = '${worker}', claims = claims + 1`, "active"],
    ["state = 'queued', worker_id = null, run_at = now() + interval '1 hour'", "due"],
  ] as const) {
    const { id } = await enqueue(db, work, null, { delay: "1h" });
    if (answer === "due") await sql`update soniq_jobs set state = 'active', worker_id = ${worker} where id = ${id}`;
    const answered = sql.begin(async (tx) => {
      await tx.unsafe(`update soniq_jobs set ${change} where id = ${id}`);
      const asked = runJobNow(db, id);
      await someoneWaits(sql);
      return { asked };
    });
    expect(await (await answered).asked).toBe(answer);
    await sql`delete from soniq_jobs`;
  }
});

test("on a transaction, it is due when that commits", async () => {
  const { id } = await enqueue(db, work, null, { delay: "1h" });
  await db.transaction(async (tx) => {
    expect(await runJobNow(tx, id)).toBe("due");
    expect(await claimed()).toEqual([]);
  });
  expect(await claimed()).toEqual([id]);
});

test("a worker that waits in its queue is woken up, once", async () => {
  await publishIdleQueues(db, await sessionOf(db), ["bells"]);
  const heard: string[] = [];
  const { unlisten } = await sql.listen(wakeUpChannel, (queue) => void heard.push(queue));
  const { id } = await enqueue(db, work, null, { queue: "bells", delay: "1h" });
  await runJobNow(db, id);
  await sql.notify(wakeUpChannel, "the end");
  await until(async () => heard.includes("the end"));
  await unlisten();
  expect(heard).toEqual(["bells", "the end"]);
});
