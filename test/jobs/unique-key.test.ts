// Unique keys: at most one unfinished job holds one, and whoever asks for it again is told which job that is.
import { createHash } from "node:crypto";
import { eq, sql } from "drizzle-orm";
import * as v from "valibot";
import { expect, test } from "vitest";
import { soniqJobs } from "../../schema/index.ts";
import { findErrorCode } from "../../src/core/errors.ts";
import { cancelJob, defineJob, enqueue, enqueueMany, defineHandler } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, sql: others, url } = await testDatabase();
const mail = defineJob({ name: "mail", payload: v.object({ to: v.string() }), unique: { by: ({ to }) => to || null } });
const plain = defineJob({ name: "plain", payload: v.null() });

/** Resolves when a statement that inserts a job waits for somebody's transaction. */
const someoneWaits = () =>
  until(async () => {
    const [row] = await others`select count(*)::int as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%insert into "soniq_jobs"%'`;
    return row?.["waiting"] === 1;
  });

test("the second job of a key is the first one", async () => {
  const first = await enqueue(db, mail, { to: "ada" });
  const second = await enqueue(db, mail, { to: "ada" });
  expect(first).toEqual({ id: first.id, name: "mail", deduplicated: false });
  expect(second).toEqual({ id: first.id, name: "mail", deduplicated: true });
  expect((await jobRow(db, first.id))?.uniqueKey).toBe("mail:ada");
});

test("jobs without a key are as many as are enqueued", async () => {
  const ids = [await enqueue(db, mail, { to: "" }), await enqueue(db, mail, { to: "" })].map(({ id }) => id);
  expect(new Set(ids).size).toBe(2);
});

test("an option overrides the definition's key, and null means none", async () => {
  const held = await enqueue(db, mail, { to: "bob" });
  const other = await enqueue(db, mail, { to: "bob" }, { uniqueKey: "bob's second" });
  const none = await enqueue(db, mail, { to: "bob" }, { uniqueKey: null });
  expect([other.deduplicated, none.deduplicated]).toEqual([false, false]);
  expect((await jobRow(db, none.id))?.uniqueKey).toBeNull();
  expect(await enqueue(db, plain, null, { uniqueKey: "bob" })).not.toMatchObject({ id: held.id });
});

test("two definitions never share a key, whatever their names", async () => {
  const jobs = ["a", "a:b", "a%3Ab", "a:b:c"].map((name) => defineJob({ name, payload: v.null() }));
  const keys = ["b:c:d", "c:d", "c:d", "d"];
  const enqueued = [];
  for (const [i, job] of jobs.entries()) enqueued.push(await enqueue(db, job, null, { uniqueKey: keys[i] as string }));
  expect(enqueued.map(({ deduplicated }) => deduplicated)).toEqual([false, false, false, false]);
});

const visit = v.object({
  path: v.string(),
  by: v.optional(v.any()),
  at: v.nullish(v.object({ lat: v.number(), tags: v.array(v.string()), lon: v.number() })),
});

test("a key of properties is the same for the same values, whatever their order and whatever stands beside them", async () => {
  const track = defineJob({ name: "track", payload: visit, unique: { by: ["path", "at"] } });
  const turned = defineJob({ name: "track", payload: visit, unique: { by: ["at", "path"] } });
  const first = await enqueue(db, track, { path: "/", at: { lat: 1, lon: 2, tags: ["b", "a"] }, by: 1 });
  expect((await jobRow(db, first.id))?.uniqueKey).toBe('track:{"at":{"lat":1,"lon":2,"tags":["b","a"]},"path":"/"}');
  for (const job of [track, turned]) {
    const again = await enqueue(db, job, { at: { tags: ["b", "a"], lon: 2, lat: 1 }, by: 2, path: "/" });
    expect(again).toEqual({ ...first, deduplicated: true });
  }
  const different = [{ path: "/" }, { path: "/", at: null }, { path: "/", at: { lat: 1, lon: 2, tags: ["a", "b"] } }];
  const keys = (await enqueueMany(db, track, different)).map(({ deduplicated }) => deduplicated);
  expect(keys).toEqual([false, false, false]);
});

test("a key of properties is made of what is stored", async () => {
  const track = defineJob({ name: "track by", payload: visit, unique: { by: ["by"] } });
  let asked = 0;
  const by = { toJSON: () => ({ b: 2, a: (asked += 1) }) };
  const { id } = await enqueue(db, track, { path: "/", by });
  const job = await jobRow(db, id);
  expect(job).toMatchObject({ payload: { by: { a: 1, b: 2 } }, uniqueKey: 'track%20by:{"by":{"a":1,"b":2}}' });
});

test("with a key of no properties, all jobs of the definition are the same", async () => {
  const sweep = defineJob({ name: "sweep", payload: v.nullable(v.number()), unique: { by: [] } });
  const { id } = await enqueue(db, sweep, null);
  expect((await enqueueMany(db, sweep, [1, 2, null])).map((job) => job.id)).toEqual([id, id, id]);
});

test("long keys are hashed, with the job's name in front, and tell apart what differs at the end", async () => {
  const long = "ü".repeat(100_000);
  const first = await enqueue(db, plain, null, { uniqueKey: `${long}1` });
  const other = await enqueue(db, plain, null, { uniqueKey: `${long}2` });
  const again = await enqueue(db, plain, null, { uniqueKey: `${long}1` });
  expect(other.deduplicated).toBe(false);
  expect(again).toEqual({ ...first, deduplicated: true });
  const hash = createHash("sha256").update(`plain:${long}1`).digest("hex");
  expect((await jobRow(db, first.id))?.uniqueKey).toBe(`plain:sha256:${hash}`);
});

test("a key is kept as it is up to 512 bytes with the name", async () => {
  const longest = "k".repeat(512 - "plain:".length);
  const kept = await enqueue(db, plain, null, { uniqueKey: longest });
  const hashed = await enqueue(db, plain, null, { uniqueKey: `${longest}k` });
  expect((await jobRow(db, kept.id))?.uniqueKey).toBe(`plain:${longest}`);
  expect((await jobRow(db, hashed.id))?.uniqueKey).toMatch(/^plain:sha256:[0-9a-f]{64}$/);
});

test("a key is free again when its job has completed", async () => {
  const { id } = await enqueue(db, mail, { to: "eve" });
  const worker = await startWorker({
    connection: url,
    jobs: { mail, plain },
    handlers: { mail: defineHandler(mail, () => {}), plain: defineHandler(plain, () => {}) },
  });
  await worker.settled(id, "completed");
  await worker.worker.stop();
  const next = await enqueue(db, mail, { to: "eve" });
  expect(next.deduplicated).toBe(false);
  expect(next.id).not.toBe(id);
  expect(await jobRow(db, id)).toMatchObject({ uniqueKey: "mail:eve", uniqueHeld: false });
});

test("a key is free again when its job was cancelled, and the next job is the holder", async () => {
  const finished: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    const next = await enqueue(db, mail, { to: "mal" });
    expect(next.deduplicated).toBe(false);
    await cancelJob(db, next.id);
    finished.push(next.id);
  }
  const { id } = await enqueue(db, mail, { to: "mal" });
  expect(new Set([...finished, id]).size).toBe(4);
  // Rows of finished jobs lie before and behind the holder's.
  await db
    .update(soniqJobs)
    .set({ tags: ["old"] })
    .where(eq(soniqJobs.id, finished[0] as number));
  expect(await enqueue(db, mail, { to: "mal" })).toEqual({ id, name: "mail", deduplicated: true });
  expect(await enqueueMany(db, mail, [{ to: "mal" }])).toEqual([{ id, name: "mail", deduplicated: true }]);
});

/** Enqueues a key in a transaction that stays open until it is told how to end. */
async function openTransaction(
  to: string,
): Promise<{ id: number; commit(): Promise<void>; rollBack(): Promise<void> }> {
  const enqueued = gate<number>();
  const end = gate<"commit" | "roll back">();
  const transaction = db.transaction(async (tx) => {
    enqueued.open((await enqueue(tx, mail, { to })).id);
    if ((await end.opened) === "roll back") throw new Error("rolled back");
  });
  const ended = transaction.catch(() => {});
  return {
    id: await enqueued.opened,
    commit: () => (end.open("commit"), ended),
    rollBack: () => (end.open("roll back"), ended),
  };
}

test("who enqueues a key that an open transaction has taken waits for it, and is told of its job", async () => {
  const first = await openTransaction("commits");
  const second = enqueue(db, mail, { to: "commits" });
  await someoneWaits();
  await first.commit();
  expect(await second).toEqual({ id: first.id, name: "mail", deduplicated: true });
});

test("or gets the key, when that transaction rolls back", async () => {
  const first = await openTransaction("rolls back");
  const second = enqueue(db, mail, { to: "rolls back" });
  await someoneWaits();
  await first.rollBack();
  const { id, deduplicated } = await second;
  expect(deduplicated).toBe(false);
  expect(await jobRow(db, first.id)).toBeUndefined();
  expect(await jobRow(db, id)).toMatchObject({ uniqueKey: "mail:rolls back" });
});

const repeatableRead = { isolationLevel: "repeatable read" } as const;

test("a transaction that sees one snapshot is told of the holder in it, and of its own jobs", async () => {
  const held = await enqueue(db, mail, { to: "snapshot" });
  const answers = await db.transaction(
    async (tx) => [
      await enqueue(tx, mail, { to: "snapshot" }),
      await enqueue(tx, mail, { to: "snapshot of its own" }),
      await enqueue(tx, mail, { to: "snapshot of its own" }),
    ],
    repeatableRead,
  );
  expect(answers.map(({ deduplicated }) => deduplicated)).toEqual([true, false, true]);
  expect(answers[0]?.id).toBe(held.id);
  expect(answers[2]?.id).toBe(answers[1]?.id);
});

test("a transaction whose snapshot is older than the holder fails to serialize, and is told of it when it tries again", async () => {
  let heldBy = 0;
  const attempt = () =>
    db.transaction(async (tx) => {
      await tx.execute(sql`select 1`);
      heldBy ||= (await enqueue(db, mail, { to: "late" })).id;
      return enqueue(tx, mail, { to: "late" });
    }, repeatableRead);
  const error: unknown = await attempt().catch((thrown: unknown) => thrown);
  expect(findErrorCode(error)).toBe("40001");
  expect(await attempt()).toEqual({ id: heldBy, name: "mail", deduplicated: true });
});

test("a transaction whose snapshot has the holder gets the key, when that has finished since", async () => {
  const held = await enqueue(db, mail, { to: "finished" });
  const next = await db.transaction(async (tx) => {
    await tx.execute(sql`select 1`);
    await cancelJob(db, held.id);
    return enqueue(tx, mail, { to: "finished" });
  }, repeatableRead);
  expect(next.deduplicated).toBe(false);
  expect(next.id).not.toBe(held.id);
});
