// What a fault did to the jobs in the worker's hands, and how soon they were out of them.
import {
  type Fault,
  type History,
  isFinal,
  isOfPostgres,
  type SessionChange,
  strikesWorker,
  type Transition,
  transitionsByJob,
} from "./history.ts";

/** A job that a worker held when a fault struck it, or claimed with a statement that was under way. */
export interface Struck {
  readonly job: number;
  readonly fault: Fault;
  /** When it left that claim; undefined: it never did. */
  readonly left: Transition | undefined;
  /** From the fault until then, or until the end of what is known; without the time in which PostgreSQL could not be reached. */
  readonly tookMs: number;
}

/** After a restart of PostgreSQL, clients try again at the latest after this time. */
const reconnectMs = 2_500;

/** A claim that was sent before its worker was struck is carried out within this time. */
const underWayMs = 300;

/** The session that a worker's process had at some time, if any. */
function sessionAt({ sessions, lives }: History, worker: number, at: number): string | undefined {
  const life = lives.find((one) => one.worker === worker && one.from <= at && at <= one.until);
  if (!life) return undefined;
  const isOwn = ({ pid, opened, at: openedAt }: SessionChange) => opened && pid === life.pid && openedAt >= life.from;
  return sessions.findLast((change) => isOwn(change) && change.at <= at)?.id;
}

/** The jobs that were in the struck worker's hands. */
export function struckBy(history: History, fault: Fault, byJob = transitionsByJob(history)): Struck[] {
  const workers = new Set(history.lives.map(({ worker }) => worker));
  const struck = [...workers].filter((worker) => strikesWorker(fault, worker));
  return struck.flatMap((worker) => {
    const session = sessionAt(history, worker, fault.at);
    if (session === undefined) return [];
    return [...byJob].flatMap(([job, transitions]) => {
      const held = transitions.findLastIndex(
        ({ before, after, at }) =>
          at <= fault.at || (at < fault.at + underWayMs && before?.state === "queued" && after?.workerId === session),
      );
      if (held < 0 || transitions[held]?.after?.workerId !== session) return [];
      const left = transitions
        .slice(held + 1)
        .find(({ before, after }) => before?.workerId === session && after?.workerId !== session);
      return [{ job, fault, left, tookMs: upTimeMs(history, fault.at, left?.at ?? endOf(history)) }];
    });
  });
}

function endOf({ lives, transitions }: History): number {
  return Math.max(transitions.at(-1)?.at ?? 0, ...lives.map(({ until }) => until));
}

/** The part of a time in which PostgreSQL could be reached: without its restarts and refusals, and the stalls of the network. */
function upTimeMs({ faults, stalls }: History, from: number, to: number): number {
  const restarts = faults
    .filter(({ kind }) => isOfPostgres(kind))
    .map(({ at, until }) => ({ from: at, until: until + reconnectMs }));
  let up = to - from;
  let counted = from;
  for (const away of [...restarts, ...stalls].toSorted((a, b) => a.from - b.from)) {
    const begins = Math.max(counted, away.from);
    const over = Math.min(to, away.until);
    if (over <= begins) continue;
    up -= over - begins;
    counted = over;
  }
  return up;
}

/** By when a job must have left a claim whose worker is gone. */
export function boundMs({ bounds }: Pick<History, "bounds">): number {
  return bounds.leaseMs + bounds.sweepMs + bounds.pollMs + bounds.slackMs;
}

/** Whether a fault takes a worker from its jobs for good. */
export function ends({ kind, at, until }: Fault, { bounds }: Pick<History, "bounds">): boolean {
  return kind === "kill" || (kind === "freeze" && until - at > bounds.leaseMs + bounds.sweepMs);
}

/** Taken from a worker that had died. */
export function isRescue({ before, after }: Transition): boolean {
  return before?.state === "active" && after !== null && after.crashes > before.crashes;
}

/** Given back untouched by the session that held it, after a time in which only a claim whose reply was lost is held. */
export function isLostClaimReleased(transition: Transition, claimedAt: number): boolean {
  const { before, after, at } = transition;
  if (before?.state !== "active" || after === null || isFinal(after.state)) return false;
  return after.crashes === before.crashes && after.attempt < before.attempt && at - claimedAt > lostClaimMs;
}

/** What the product waits before it takes a claim's reply for lost. */
const lostClaimMs = 20_000;
