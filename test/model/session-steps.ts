// Workers' sessions live and die, and their jobs are rescued.
import assert, { deepEqual as equal } from "node:assert/strict";
import { sql } from "drizzle-orm";
import * as fc from "fast-check";
import { type Rescued, rescueFromEnded, rescueOverdue, rescueOrphaned } from "../../src/jobs/upkeep/rescue.ts";
import { expireSessions, deleteEndedSessions } from "../../src/sessions/end-sessions.ts";
import { beat, endSession } from "../../src/sessions/session.ts";
import type { Job } from "./job-model.ts";
import { leaseMs, type Player, type Stage, stale, type Step, step } from "./step.ts";

const anyPlayer = fc.nat({ max: 2 });
const anyLimit = fc.constantFrom(1, 100);
const anyMaxCrashes = fc.constantFrom(1, 3, 5);

const beatOnce = anyPlayer.map((n) =>
  step(`worker ${n} beats`, async (model, { db, players }) => {
    const { session } = players[n] as Player;
    const live = model.hasNotEnded(session);
    equal(await beat(db, session, leaseMs), live, "whether the session lives");
    if (live) model.sessions.get(session)!.leaseExpiresAt = model.now + leaseMs;
  }),
);

const beginAnew = fc.nat({ max: stale - 1 }).map((n) =>
  step(`worker ${n} begins a new session`, async (_, stage) => {
    (stage.players[n] as Player).session = await stage.newSession();
  }),
);

async function endOf({ session }: Player, { db, model }: Stage): Promise<void> {
  await endSession(db, session);
  if (model.hasNotEnded(session)) model.sessions.get(session)!.endedAt = model.now;
}

const end = anyPlayer.map((n) =>
  step(`worker ${n} ends its session`, (_, stage) => endOf(stage.players[n] as Player, stage)),
);

const die = fc.record({ n: anyPlayer, maxCrashes: anyMaxCrashes }).map(({ n, maxCrashes }) =>
  step(`worker ${n} dies and its jobs are rescued, dead at ${maxCrashes} crashes`, async (_, stage) => {
    await endOf(stage.players[n] as Player, stage);
    await rescueThose("of ended sessions", stage, maxCrashes, 100);
  }),
);

const expire = fc.constant("end the sessions whose lease ran out").map((text) =>
  step(text, async (model, { db }) => {
    const dead = [...model.sessions].filter(([id, one]) => model.hasNotEnded(id) && one.leaseExpiresAt < model.now);
    equal((await expireSessions(db)).toSorted(), dead.map(([id]) => id).toSorted(), "the sessions that died");
    for (const [, session] of dead) session.endedAt = model.now;
  }),
);

const forget = fc.constantFrom(0, 60_000).map((olderThanMs) =>
  step(`forget the sessions that ended ${olderThanMs} ms ago`, async (model, { db }) => {
    await deleteEndedSessions(db, olderThanMs);
    const busy = new Set(model.all().map(({ workerId }) => workerId));
    for (const [id, { endedAt }] of model.sessions) {
      if (endedAt !== null && endedAt < model.now - olderThanMs && !busy.has(id)) model.sessions.delete(id);
    }
  }),
);

const lose = anyPlayer.map((n) =>
  step(`somebody deletes the session of worker ${n}`, async (model, { db, players }) => {
    const { session } = players[n] as Player;
    await db.execute(sql`delete from soniq_workers where id = ${session}`);
    model.sessions.delete(session);
  }),
);

const rescue = fc
  .record({
    which: fc.constantFrom("of ended sessions", "without a live session", "overdue"),
    maxCrashes: anyMaxCrashes,
    limit: anyLimit,
  })
  .map(({ which, maxCrashes, limit }) =>
    step(`rescue up to ${limit} jobs ${which}, dead at ${maxCrashes} crashes`, (_, stage) =>
      rescueThose(which, stage, maxCrashes, limit),
    ),
  );

async function rescueThose(which: string, stage: Stage, maxCrashes: number, limit: number): Promise<void> {
  const { db, model } = stage;
  const crashed = (job: Job) => model.rescue(job, maxCrashes);
  if (which === "of ended sessions") {
    const may = ({ workerId }: Job) => model.sessions.has(workerId as string) && !model.hasNotEnded(workerId);
    expectTaken(stage, await rescueFromEnded(db, maxCrashes, { limit }), limit, may, crashed);
  } else if (which === "without a live session") {
    const may = ({ workerId }: Job) => !model.hasNotEnded(workerId);
    expectTaken(stage, await rescueOrphaned(db, maxCrashes, { limit }), limit, may, crashed);
  } else {
    const may = ({ deadlineAt }: Job) => (deadlineAt as number) < model.now;
    expectTaken(stage, await rescueOverdue(db, { limit }), limit, may, (job) => model.timeOut(job));
  }
}

/** As many as the limit allows of the active jobs that may be taken; which of them, is left open. */
function expectTaken(
  { model, noteEnd }: Stage,
  rescued: readonly Rescued[],
  limit: number,
  may: (job: Job) => boolean,
  take: (job: Job) => void,
): void {
  const takeable = model.all().filter((job) => job.state === "active" && may(job));
  equal(rescued.length, Math.min(limit, takeable.length), "how many were rescued");
  for (const { id, state } of rescued) {
    const job = takeable.find((one) => one.id === id);
    assert(job, `job ${id} was not to be rescued`);
    noteEnd(job);
    take(job);
    equal(state, job.state, `the state of job ${id}`);
  }
}

export const sessionSteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: beatOnce },
  { weight: 2, arbitrary: beginAnew },
  { weight: 2, arbitrary: end },
  { weight: 5, arbitrary: die },
  { weight: 2, arbitrary: expire },
  { weight: 1, arbitrary: forget },
  { weight: 1, arbitrary: lose },
  { weight: 6, arbitrary: rescue },
);
