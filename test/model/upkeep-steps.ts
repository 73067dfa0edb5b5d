// What happens around jobs: cancellations, time, pruning, paused queues.
import { deepEqual as equal } from "node:assert/strict";
import * as fc from "fast-check";
import { cancelJob } from "../../src/jobs/control/cancel-job.ts";
import { discardJob } from "../../src/jobs/control/discard-job.ts";
import { hasOutstanding } from "../../src/jobs/read/has-outstanding.ts";
import { deleteFinished, findPrunable, findPruneHorizon, pruneStart } from "../../src/jobs/upkeep/prune.ts";
import { retryJobs } from "../../src/jobs/control/retry-jobs.ts";
import { runJobNow } from "../../src/jobs/control/run-now.ts";
import { pauseQueue, resumeQueue } from "../../src/queues/pause.ts";
import type { Job } from "./job-model.ts";
import { leaseMs, nth, type Step, step } from "./step.ts";

const retentionMs = 400_000;

const ascending = (a: number, b: number) => a - b;

const cancelOne = fc
  .record({
    state: fc.constantFrom("queued", "active", "any"),
    which: fc.nat({ max: 5 }),
    reason: fc.constantFrom("changed my mind", "not needed"),
  })
  .map(({ state, which, reason }) =>
    step(
      `cancel ${state} job -${which}: ${reason}`,
      async (model, { db }) => {
        const jobs = model.all();
        const such = jobs.filter((one) => one.state === state);
        const job = nth(such, which) ?? (nth(jobs, which) as Job);
        equal(await cancelJob(db, job.id, reason), model.cancel(job, reason), "the answer");
      },
      ({ jobs }) => jobs.size > 0,
    ),
  );

const decideOne = fc
  .record({
    verdict: fc.constantFrom("run now" as const, "discard" as const),
    state: fc.constantFrom("queued", "any"),
    which: fc.nat({ max: 5 }),
  })
  .map(({ verdict, state, which }) =>
    step(
      `${verdict} ${state} job -${which}`,
      async (model, { db }) => {
        const jobs = model.all();
        const job = nth(
          jobs.filter((one) => one.state === state),
          which,
        );
        const one = job ?? (nth(jobs, which) as Job);
        if (verdict === "discard") equal(await discardJob(db, one.id), model.discard(one), "the answer");
        else equal(await runJobNow(db, one.id), model.runNow(one), "the answer");
      },
      ({ jobs }) => jobs.size > 0,
    ),
  );

const wait = fc.nat({ max: 6 }).map((n) =>
  step(`wait for what may happen next, passing over ${n}`, async (model) => {
    const sessions = [...model.sessions.values()].map(({ leaseExpiresAt }) => leaseExpiresAt);
    const jobs = model
      .all()
      .flatMap((job) => [
        job.runAt,
        job.deadlineAt ?? 0,
        job.uniqueExpiresAt ?? 0,
        (job.finishedAt ?? 0) + retentionMs,
      ]);
    const ahead = [...new Set([...sessions, ...jobs])].filter((time) => time > model.now).toSorted(ascending);
    // What comes next happens at that very moment.
    model.now = (ahead[n % ahead.length] ?? model.now + leaseMs) - 1;
  }),
);

const prune = fc
  .record({
    state: fc.constantFrom("completed" as const, "cancelled" as const, "dead" as const),
    limit: fc.constantFrom(1, 100),
  })
  .map(({ state, limit }) =>
    step(`prune ${limit} ${state}`, async (model, { db }) => {
      const before = await findPruneHorizon(db, retentionMs);
      const { ids } = await findPrunable(db, { state, before, after: pruneStart, limit });
      await deleteFinished(db, state, ids);
      // It walks over so many finished jobs: of the dead alone, or of all.
      const walked = model
        .all()
        .filter((job) => job.finishedAt !== null && job.finishedAt < model.now - retentionMs)
        .filter((job) => state !== "dead" || job.state === "dead")
        .toSorted((a, b) => (a.finishedAt as number) - (b.finishedAt as number) || a.id - b.id)
        .slice(0, limit);
      equal(
        ids,
        walked.filter((job) => job.state === state && !model.keepsKey(job)).map(({ id }) => id),
        "the jobs that were pruned",
      );
      for (const id of ids) model.jobs.delete(id);
    }),
  );

const pause = fc.record({ queue: fc.constantFrom("default", "other"), paused: fc.boolean() }).map(({ queue, paused }) =>
  step(`${paused ? "pause" : "resume"} ${queue}`, async (model, { db }) => {
    if (paused) await pauseQueue(db, queue);
    else equal(await resumeQueue(db, queue), model.paused.has(queue), "whether it was paused");
    model.paused[paused ? "add" : "delete"](queue);
  }),
);

const replaySome = fc
  .record({ which: fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 6 }), any: fc.boolean() })
  .map(({ which, any }) =>
    step(
      `retry ${any ? "jobs" : "dead letters"} -${which.join(", -")}`,
      async (model, { db }) => {
        const such = model.all().filter(({ state }) => any || state === "dead");
        const ids = [...new Set(which.flatMap((n) => nth(such, n)?.id ?? []))];
        const expected = model.retry(ids);
        const { retried, refused } = await retryJobs(db, ids);
        equal(retried.toSorted(ascending), expected.toSorted(ascending), "the jobs that were retried");
        for (const refusal of refused) {
          const job = model.jobs.get(refusal.id) as Job;
          const holder = job.state === "dead" && job.uniqueKey !== null && model.keyHolder(job.uniqueKey);
          const because = holder ? { reason: "key-held", heldBy: holder.id } : { reason: "not-a-dead-letter" };
          equal(refusal, { id: job.id, ...because }, "why one was refused");
        }
      },
      (model) => model.all().some(({ state }) => state === "dead"),
    ),
  );

const askWhatIsLeft = fc.constantFrom(0, 60_000).map((waitMs) =>
  step(`ask whether anything is left within ${waitMs} ms`, async (model, { db }) => {
    const isLeft = ({ state, queue, runAt }: Job) =>
      queue === "default" &&
      (state === "active" || (state === "queued" && runAt <= model.now + waitMs && !model.paused.has(queue)));
    equal(await hasOutstanding(db, ["default"], waitMs), model.all().some(isLeft), "whether anything is left");
  }),
);

export const upkeepSteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: cancelOne },
  { weight: 3, arbitrary: decideOne },
  { weight: 10, arbitrary: wait },
  { weight: 3, arbitrary: prune },
  { weight: 3, arbitrary: replaySome },
  { weight: 1, arbitrary: pause },
  { weight: 1, arbitrary: askWhatIsLeft },
);
