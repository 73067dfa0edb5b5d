// What a handler says after its attempt has ended: it is told once at most, and writes nothing.
import { sql as text } from "drizzle-orm";
import * as v from "valibot";
import { expect, test } from "vitest";
import { defineJob, enqueue, type JobContext } from "../../src/index.ts";
import { saveProgress } from "../../src/jobs/settle/save-progress.ts";
import { JobLog } from "../../src/worker/attempt/job-log.ts";
import { LogWriter } from "../../src/worker/attempt/log-writer.ts";
import { Progress } from "../../src/worker/attempt/progress.ts";
import { testDatabase } from "../support/database.ts";
import { createEffects, effectsIn } from "../support/effects.ts";
import { gate } from "../support/gate.ts";
import { jobRow } from "../support/job-row.ts";
import { recordedDatabase } from "../support/recorded-database.ts";
import { claimAs, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
await createEffects(sql);
const never = new Promise<void>(() => {});

test.each<[how: string, end: Promise<void> | undefined, state: string]>([
  ["has returned", undefined, "completed"],
  ["was given up after its timeout", never, "dead"],
])("a handler that %s says the first of it afterwards", async (how, end, state) => {
  const context = gate<JobContext>();
  const job = defineJob({
    name: how,
    queue: how,
    payload: v.null(),
    timeout: "50ms",
    maxAttempts: 1,
    run: (_, given) => {
      context.open(given);
      return end;
    },
  });
  const other = defineJob({
    name: "other",
    queue: how,
    payload: v.null(),
    run: (_, { log, progress }) => (log("on time"), progress(7)),
  });
  const { id } = await enqueue(db, job, null);
  const { settled, events } = await startWorker({
    connection: url,
    jobs: { job, other },
    handlers: {},
    timeoutGrace: "50ms",
  });
  await settled(id, state);
  const late = await context.opened;
  const before = await jobRow(db, id);
  late.progress(1);
  late.log("late");
  await expect(
    late.transaction((tx) => tx.execute(text`insert into effects values (1)`) as Promise<unknown>),
  ).rejects.toThrow(/after the attempt had ended/);
  late.progress(2);
  const own = events.filter((event) => "job" in event && event.job.id === id).map(({ type }) => type);
  expect(own).toEqual(["started", state, "logged"]);
  // By the time another job is settled, with its log and progress, the worker would have written the late ones, too.
  await settled((await enqueue(db, other, null)).id, "completed");
  expect(await jobRow(db, id)).toEqual(before);
  expect(await effectsIn(sql)).toEqual([]);
  expect(events.filter(({ type }) => type === "error")).toEqual([]);
});

test("progress for a claim that has ended is given up at once, also where the handler goes on", async () => {
  const { db: recorded, sent } = recordedDatabase(url);
  const session = await sessionOf(db);
  const job = defineJob({ name: "fenced", queue: "fenced", payload: v.null() });
  const { id } = await enqueue(db, job, null);
  const [claimed] = await claimAs(db, session, { queue: "fenced" });
  await sql`update soniq_jobs set state = 'queued', worker_id = null where id = ${id}`;
  const progress = new Progress(
    (json) => saveProgress(recorded, session, claimed!, json),
    (error) => expect.unreachable(String(error)),
  );
  progress.report(1);
  await until(async () => progress.unwritten === undefined);
  const before = sent.length;
  for (let n = 0; n < 100; n += 1) progress.report(n);
  await progress.stopWriting();
  expect(sent).toHaveLength(before);
  expect(progress.unwritten).toBeUndefined();
});

test("the writer of logs keeps nothing of attempts that have ended", async () => {
  const { db: recorded, sent } = recordedDatabase(url);
  const writer = new LogWriter(recorded, () => {});
  const session = await sessionOf(db);
  const job = defineJob({ name: "logs", queue: "logs", payload: v.null() });
  await enqueue(db, job, null);
  const [claimed] = await claimAs(db, session, { queue: "logs" });
  const log = new JobLog(
    { job: claimed!, workerId: session, claimedAt: performance.now(), inTransaction: false },
    writer,
  );
  log.end();
  for (let n = 0; n < 100; n += 1) log.add("late", undefined);
  await writer.task().run(new AbortController().signal);
  expect(sent).toEqual([]);
  expect(log.serializeUnwritten()).toBeUndefined();
});
