// What workers do with jobs: claim them, settle their claims, good or stale, and ask which are theirs.
import { deepEqual as equal } from "node:assert/strict";
import * as fc from "fast-check";
import { InvalidValueError } from "../../src/core/errors.ts";
import { ClaimPositions, queueStart } from "../../src/jobs/claim/claim-positions.ts";
import { claim, type ClaimedJob } from "../../src/jobs/claim/claim.ts";
import { deleteCompleted } from "../../src/jobs/settle/delete-completed.ts";
import { Cancel, Discard, RetryAfter, Snooze } from "../../src/jobs/definition/directives.ts";
import {
  decideOutcome,
  type HandlerResult as Ran,
  type Outcome,
  decideInvalidPayload,
  decideUnknownName,
} from "../../src/jobs/settle/outcome.ts";
import { findUnansweredClaims, findOwned } from "../../src/jobs/claim/ownership.ts";
import { settle, settleUnlocked } from "../../src/jobs/settle/settle.ts";
import type { Settled } from "../../src/jobs/settle/settlement.ts";
import { findEndedClaims } from "../../src/jobs/settle/find-ended-claims.ts";
import { anyDelay, anyQueue, quick } from "./enqueue-steps.ts";
import type { Claim, Ending, Job, JobModel } from "./job-model.ts";
import { nth, type Player, type Stage, stale, type Step, step } from "./step.ts";

const quickMs = 120_000;
const otherwiseMs = 600_000;
/** A claim is lost if it was made that long ago, and its worker does not know of it. */
const lateMs = 60_000;

const byId = (a: { id: number }, b: { id: number }) => a.id - b.id;

const anyPlayer = fc.nat({ max: 2 });

const claimSome = fc
  .record({
    n: fc.constantFrom(0, 0, 1, 1, stale),
    queue: anyQueue,
    limit: fc.constantFrom(1, 1, 2, 5),
    look: fc.constantFrom(true, false, false),
    anew: fc.constantFrom(true, true, true, false),
  })
  .map(({ n, queue, limit, look, anew }) =>
    step(
      `worker ${n}${anew && n !== stale ? ", anew if it must," : ""} claims ${limit} of ${queue} from ${look ? "the beginning" : "the marks"}`,
      async (model, stage) => {
        const player = stage.players[n] as Player;
        if (anew && n !== stale && !model.isLive(player.session)) player.session = await stage.newSession();
        await claimAs(stage, player.session, queue, limit, look);
      },
    ),
  );

async function claimAs(stage: Stage, session: string, queue: string, limit: number, look: boolean): Promise<void> {
  const { model } = stage;
  const marks = stage.marks.get(queue) ?? new ClaimPositions();
  stage.marks.set(queue, marks);
  stage.claimTokens += 1;
  const claimed = await claim(stage.db, {
    workerId: session,
    claimToken: stage.claimTokens,
    queue,
    limit,
    from: look ? queueStart : marks.starts(),
    deadlines: JSON.stringify({ [quick.name]: quickMs }),
    defaultDeadlineMs: otherwiseMs,
  });
  // As if each were a thousand, since that is how many jobs a mark stays behind.
  marks.advance(claimed.flatMap((job) => Array.from({ length: 1_000 }, () => job)));
  const ids = claimed.map(({ id }) => id);
  const expected = model
    .claimable(session, queue)
    .filter((job) => look || !job.late || ids.includes(job.id))
    .slice(0, limit);
  equal(
    ids,
    expected.map(({ id }) => id),
    "the jobs that were claimed",
  );
  for (const [i, job] of expected.entries()) {
    model.claim(job, session, job.name === quick.name ? quickMs : otherwiseMs, stage.claimTokens);
    const { claims, attempt } = claimed[i] as ClaimedJob;
    equal({ claims, attempt }, { claims: job.claims, attempt: model.attempt(job) }, `the claim of job ${job.id}`);
    stage.claimed.set(model.claims.at(-1) as Claim, claimed[i] as ClaimedJob);
  }
}

const anyEnding: fc.Arbitrary<Ending> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("returned" as const), result: fc.constantFrom(null, 7) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...(["threw", "threw", "threw", "snoozed", "snoozed", "released", "released", "interrupted"] as const),
      ),
      delayMs: anyDelay,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("lost" as const), delayMs: anyDelay, maxCrashes: fc.constantFrom(1, 3) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(...(["unknown", "unknown", "refused"] as const)),
      graceMs: fc.constantFrom(1_000, 1_000, 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("cancelled" as const, "discarded" as const) }),
  },
);

/** What the worker writes down, by the product's own decision. */
function outcomeOf(job: ClaimedJob, ending: Ending, workerId: string): Outcome {
  const after = (ran: Ran) => decideOutcome(job, quick, ran, workerId, 1);
  switch (ending.kind) {
    case "returned":
      return after({ returned: ending.result ?? undefined });
    case "threw":
      return after({ threw: new RetryAfter(ending.delayMs, "no") });
    case "snoozed":
      return after({ returned: new Snooze(ending.delayMs) });
    case "released":
      return { kind: "released", delayMs: ending.delayMs };
    case "interrupted":
      return { kind: "released", delayMs: ending.delayMs, ran: true };
    case "lost": {
      const error = { attempt: job.attempt, worker: workerId, name: "TransactionLostError", message: "it broke" };
      return { kind: "released", delayMs: ending.delayMs, error, maxCrashes: ending.maxCrashes };
    }
    case "unknown":
      return decideUnknownName(job, ending.graceMs, 1);
    case "cancelled":
      return after({ threw: new Cancel("stopped") });
    case "discarded":
      return after({ threw: new Discard("no") });
    case "refused":
      return decideInvalidPayload(job, new InvalidValueError("payload", "is not valid"), workerId, ending.graceMs, 1);
    default:
      return ending satisfies never;
  }
}

/** Claims, counted from the newest: of those that stand, or of all. */
const anyWhich = fc.record({
  of: fc.constantFrom(...(["standing", "standing", "all"] as const)),
  n: fc.nat({ max: 9 }),
});
type Which = typeof anyWhich extends fc.Arbitrary<infer T> ? T : never;

const standing = (model: JobModel) => model.claims.filter((one) => model.held(one, one.workerId));

function claimOf(model: JobModel, { of, n }: Which): Claim {
  return nth(of === "standing" ? standing(model) : [], n) ?? (nth(model.claims, n) as Claim);
}

const ways = { settle, "settle unlocked": settleUnlocked, "delete completed": deleteCompleted };
type Way = keyof typeof ways;
const anyWay = fc.constantFrom(...(["settle", "settle", "settle unlocked", "delete completed"] as const));

/** A batch of one session's: with claims that stand, with some that have ended, and with some that are not its own. */
const settleSome = fc
  .record({
    batch: fc.array(fc.record({ which: anyWhich, ending: anyEnding }), { minLength: 1, maxLength: 4 }),
    way: anyWay,
    twice: fc.boolean(),
  })
  .map(({ batch, way, twice }) => {
    const told = batch.map(({ which, ending }) => `${which.of} -${which.n} ${JSON.stringify(ending)}`);
    return step(
      `${way}${twice ? ", twice," : ""} for the worker of the first: ${told.join(", ")}`,
      async (model, stage) => {
        const endings = new Map(batch.toReversed().map((one) => [claimOf(model, one.which), one.ending]));
        const { workerId } = claimOf(model, (batch[0] as { which: Which }).which);
        await settleAs(stage, workerId, endings, way);
        if (twice) await settleAs(stage, workerId, endings, way);
      },
      (model) => model.claims.length > 0,
    );
  });

/** What a handler does that was given up, and ends after its job was claimed again by the same session. */
const settleOvertaken = fc.record({ n: fc.nat({ max: 3 }), way: anyWay }).map(({ n, way }) =>
  step(
    `standing -${n} is released, its session claims again, and then for the old claim: ${way}`,
    async (model, stage) => {
      const old = nth(standing(model), n) as Claim;
      const { queue } = model.held(old, old.workerId) as Job;
      await settleAs(stage, old.workerId, new Map([[old, { kind: "released", delayMs: 0 }]]), "settle");
      await stage.compare();
      await claimAs(stage, old.workerId, queue, 5, true);
      await stage.compare();
      await settleAs(stage, old.workerId, new Map([[old, { kind: "returned", result: 7 }]]), way);
    },
    (model) => standing(model).length > 0,
  ),
);

async function settleAs(stage: Stage, workerId: string, endings: ReadonlyMap<Claim, Ending>, way: Way): Promise<void> {
  const settlements = [...endings].map(([made, ending]) => ({
    id: made.id,
    claimToken: made.claimToken,
    outcome: outcomeOf(stage.claimed.get(made) as ClaimedJob, ending, workerId),
  }));
  const ended = await findEndedClaims(stage.db, workerId, settlements);
  for (const one of settlements) {
    const stands = stage.model.held(one, workerId) !== undefined;
    equal(ended.has(one), !stands, `whether claim ${one.claimToken} of job ${one.id} has ended`);
  }
  const settled = await ways[way](stage.db, workerId, settlements);
  const expected = settledByModel(stage, workerId, endings, way === "delete completed");
  equal(settled.toSorted(byId), expected.toSorted(byId), "the claims that were settled");
}

/** @returns what is settled: the claims that stand, and no others */
function settledByModel(
  { model, noteEnd }: Stage,
  workerId: string,
  endings: ReadonlyMap<Claim, Ending>,
  deletes: boolean,
): Settled[] {
  return [...endings].flatMap(([made, ending]) => {
    const job = model.held(made, workerId);
    if (!job || (deletes && model.keepsKey(job))) return [];
    noteEnd(made);
    if (deletes) model.jobs.delete(job.id);
    else model.settle(job, ending);
    return { id: job.id, claimToken: job.claimToken, state: deletes ? "completed" : (job.state as Settled["state"]) };
  });
}

const askWhatIsOwn = anyPlayer.map((n) =>
  step(`worker ${n} asks which jobs are its own`, async (model, { db, players }) => {
    const { session } = players[n] as Player;
    const own = model.all().filter(({ workerId }) => workerId === session);
    const owned = await findOwned(db, session, [...model.jobs.keys()]);
    equal(
      owned.toSorted(byId),
      own.map(({ id, claimToken, cancelRequestedAt }) => ({
        id,
        claimToken,
        cancelRequested: cancelRequestedAt !== null,
      })),
      "its own jobs",
    );
    const known = own.filter((_, i) => i % 2 === 0);
    const lost = await findUnansweredClaims(db, session, known, lateMs);
    equal(
      lost.toSorted(byId),
      own
        .filter((job) => !known.includes(job) && (job.claimedAt as number) < model.now - lateMs)
        .map(({ id, claimToken }) => ({ id, claimToken })),
      "its lost claims",
    );
  }),
);

export const claimSteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: claimSome },
  { weight: 5, arbitrary: settleSome },
  { weight: 1, arbitrary: settleOvertaken },
  { weight: 1, arbitrary: askWhatIsOwn },
);
