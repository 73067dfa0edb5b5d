import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { enqueue } from "../../dist/src/index.js";
import { claim } from "../../dist/src/jobs/claim/claim.js";
import { queueStart } from "../../dist/src/jobs/claim/claim-positions.js";
import { deleteFinished, findPrunable, pruneStart } from "../../dist/src/jobs/upkeep/prune.js";
import { rescueFromEnded } from "../../dist/src/jobs/upkeep/rescue.js";
import { findEndedSessions } from "../../dist/src/sessions/end-sessions.js";
import { beat, endSession, openSession } from "../../dist/src/sessions/session.js";
import { now } from "../clock.ts";
import { summarize } from "../rounds.ts";
import type { Database } from "../server.ts";
import { noop } from "../systems/soniq-drizzle.ts";

export const dutyNames = ["beat", "rescue", "prune", "enqueue"] as const;
export type Duty = (typeof dutyNames)[number];

const times = 20;
const rescued = 100;
const pruned = 1_000;

/** Measures the other statements on the tables, apart from claims and settles: the median of several runs, in milliseconds. */
export async function timeDuties({ url }: Database): Promise<Record<Duty, number>> {
  const client = postgres(url, { max: 1, prepare: false, fetch_types: false, onnotice() {} });
  const db = drizzle({ client });
  const open = () => openSession(db, { host: "", pid: 0, version: "", queues: {}, leaseMs: 1e9 });
  const live = await open();
  let position = pruneStart;
  const prune = async () => {
    const { ids, next } = await findPrunable(db, {
      state: "completed",
      before: "infinity",
      after: position,
      limit: pruned,
    });
    await deleteFinished(db, "completed", ids);
    position = next ?? position;
  };
  // The earlier workers have ended: after a minute, every rescue has found that they hold no jobs.
  const ended = await findEndedSessions(db, [], 0);
  const empty = ended.map(({ id }) => id);
  const rescue = async () => {
    for (let n = 0; n < rescued; n += 1) await enqueue(db, noop, { n });
    const dead = await open();
    await claim(db, {
      workerId: dead,
      claimToken: 1,
      queue: "default",
      limit: rescued,
      from: queueStart,
      deadlines: "{}",
      defaultDeadlineMs: 60_000,
    });
    await endSession(db, dead);
    const began = now();
    const holders = (await findEndedSessions(db, empty, 40_000)).filter(({ holdsJobs }) => holdsJobs);
    await rescueFromEnded(
      db,
      5,
      { limit: rescued },
      holders.map(({ id }) => id),
    );
    return now() - began;
  };
  const median = async (measure: () => Promise<number>) => {
    const values: number[] = [];
    for (let i = 0; i < times; i += 1) values.push(await measure());
    return summarize(values).median;
  };
  const duties = {
    beat: await median(() => timed(() => beat(db, live, 1e9))),
    rescue: await median(rescue),
    prune: await median(() => timed(prune)),
    enqueue: await median(() => timed(() => enqueue(db, noop, { n: 1 }))),
  };
  await client.end();
  return duties;
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = now();
  await act();
  return now() - began;
}
