// Judges a history: each promise is a check, and a check names every job that breaks it.
import type { Fault, History, Job, Transition } from "./history.ts";
import { isFinal, isRefusal, strikesWorker, transitionsByJob } from "./history.ts";
import { boundMs, ends, struckBy } from "./recovery.ts";

/** What was broken. */
export type Check =
  | "lost"
  | "rolled back, but there"
  | "torn apart"
  | "illegal transition"
  | "settled twice"
  | "effect missing"
  | "effect twice"
  | "effect of another transaction"
  | "ran after its cancellation"
  | "session revived"
  | "worker id without claim"
  | "claims not counted"
  | "started early"
  | "attempt miscounted"
  | "died"
  | "recovered late"
  | "unexpected exit"
  | "application exit"
  | "application stuck";

export interface Violation {
  readonly check: Check;
  readonly job?: number;
  /** Milliseconds since 1970. */
  readonly at?: number;
  readonly what: string;
}

type Find = (history: History, byJob: ReadonlyMap<number, readonly Transition[]>) => Violation[];

/** @returns all that was broken; nothing if the run was clean */
export function judge(history: History): Violation[] {
  const byJob = transitionsByJob(history);
  return checks.flatMap((check) => check(history, byJob));
}

const lost: Find = ({ jobs, enqueues, orders }) => {
  const found = new Set(jobs.map(({ n }) => n));
  const withOrder = new Set(orders);
  return [
    ...enqueues.committed
      .filter((n) => !found.has(n))
      .map((n) => ({ check: "lost" as const, what: `job number ${n} was committed, and there is no such row` })),
    ...jobs
      .filter(({ state }) => !isFinal(state))
      .map(({ id, state, name }) => ({ check: "lost" as const, job: id, what: `${name}, still ${state} at the end` })),
    ...enqueues.rolledBack
      .filter((n) => found.has(n) || withOrder.has(n))
      .map((n) => ({ check: "rolled back, but there" as const, what: `job number ${n}` })),
    ...enqueues.together
      .filter((n) => found.has(n) !== withOrder.has(n))
      .map((n) => ({
        check: "torn apart" as const,
        what: `of job and order ${n}, written in one transaction, only the ${found.has(n) ? "job" : "order"} is there`,
      })),
  ];
};

const legal: Record<string, readonly string[]> = {
  queued: ["queued", "active", "cancelled"],
  active: ["active", "queued", "completed", "cancelled", "dead"],
  completed: [],
  cancelled: [],
  dead: [],
};

/** What each single transition must be like, whatever came before. */
const transitionsAreSound: Find = ({ transitions }) =>
  transitions.flatMap((transition) => {
    const { job, at, before, after } = transition;
    const broken = (check: Check, what: string): Violation[] => [{ check, job, at, what }];
    if (!after) return broken("lost", "its row was deleted, before its retention was over");
    if (!before) return after.state === "queued" ? [] : broken("illegal transition", `enqueued as ${after.state}`);
    const path = `${before.state} → ${after.state}`;
    const claimed = before.state === "queued" && after.state === "active";
    const heldOn = before.state === "active" && after.state === "active" && before.claims === after.claims;
    return [
      ...(isFinal(before.state) ? broken("settled twice", `${path}, claim ${after.claims}`) : []),
      ...(!isFinal(before.state) && !legal[before.state]?.includes(after.state)
        ? broken("illegal transition", path)
        : []),
      ...((after.workerId !== null) !== (after.state === "active") ? broken("worker id without claim", path) : []),
      ...(heldOn && before.workerId !== after.workerId
        ? broken("illegal transition", "active under another session")
        : []),
      ...(after.claims !== before.claims + (claimed ? 1 : 0)
        ? broken("claims not counted", `${path}, claims ${before.claims} → ${after.claims}`)
        : []),
      ...(claimed && at < before.runAt
        ? broken("started early", `${Math.round(before.runAt - at)} ms before its time`)
        : []),
      ...(before.cancelRequested && (after.state === "queued" || claimed)
        ? broken("ran after its cancellation", path)
        : []),
    ];
  });

/** By claim and by job: at most one end each. */
const endsOnce: Find = (_, byJob) =>
  [...byJob].flatMap(([job, transitions]) => {
    const claimsEnded = transitions.flatMap(({ before, after }) =>
      before?.state === "active" && after && (after.state !== "active" || after.claims !== before.claims)
        ? [before.claims]
        : [],
    );
    const twice = claimsEnded.filter((claims, at) => claimsEnded.indexOf(claims) !== at);
    return twice.map((claims) => ({
      check: "settled twice" as const,
      job,
      what: `claim ${claims} ended more than once`,
    }));
  });

const effectsAreExact: Find = ({ jobs, effects }, byJob) => {
  const byId = new Map<number, (typeof effects)[number][]>();
  for (const effect of effects) byId.set(effect.job, [...(byId.get(effect.job) ?? []), effect]);
  return jobs.flatMap((job) => {
    const own = byId.get(job.id) ?? [];
    const settle = byJob.get(job.id)?.find(({ after }) => after?.state === "completed");
    const broken = (check: Check, what: string): Violation[] => [
      { check, job: job.id, what: `${job.name}: ${what}`, ...(settle && { at: settle.at }) },
    ];
    if (job.name !== "transactional") {
      const fromClaim = own.some(({ kind, claims }) => kind === "done" && claims === settle?.after?.claims);
      return settle && !fromClaim
        ? broken("effect missing", `claim ${settle.after?.claims} completed it without doing it`)
        : [];
    }
    return [
      ...(["begun", "done"] as const).flatMap((kind) => {
        const times = own.filter((effect) => effect.kind === kind).length;
        if (times > 1) return broken("effect twice", `${kind} × ${times}`);
        return settle && times === 0 ? broken("effect missing", `completed, and never ${kind}`) : [];
      }),
      ...own
        .filter(({ transaction }) => transaction !== settle?.transaction)
        .map(({ transaction, claims }) => ({
          check: "effect of another transaction" as const,
          job: job.id,
          what: `claim ${claims} wrote in transaction ${transaction}, the job was ${settle ? `settled in ${settle.transaction}` : `left ${job.state}`}`,
        })),
    ];
  });
};

const sessionsStayEnded: Find = ({ sessions }) =>
  sessions
    .filter(({ endedBefore, endedAfter, extended }) => endedBefore && (!endedAfter || extended))
    .map(({ id, at }) => ({ check: "session revived" as const, at, what: `session ${id}` }));

/** An interruption that is not the job's fault costs it no attempt: only planned failures do. */
const attemptsAreFair: Find = ({ jobs, faults }, byJob) => [
  ...jobs
    .filter(({ state, attempt, failures }) => state === "completed" && attempt !== failures + 1)
    .filter((job) => !(job.name === "transactional" && ranWhileRefused(faults, byJob.get(job.id) ?? [])))
    .map(({ id, name, attempt, failures }: Job) => ({
      check: "attempt miscounted" as const,
      job: id,
      what: `${name} was completed by attempt ${attempt}, after ${failures} failures by plan`,
    })),
  ...jobs
    .filter(({ state }) => state === "dead")
    .map(({ id, name, attempt }) => ({ check: "died" as const, job: id, what: `${name}, at attempt ${attempt}` })),
];

/** The settle of a job's own transaction fails the attempt where it is refused, as any statement in it does. */
function ranWhileRefused(faults: readonly Fault[], transitions: readonly Transition[]): boolean {
  const [from, to] = [transitions[0]?.at ?? 0, transitions.at(-1)?.at ?? 0];
  return faults.some(({ kind, at, until }) => isRefusal(kind) && at <= to && until >= from);
}

const recoveryIsInTime: Find = (history, byJob) =>
  history.faults
    .filter((fault) => ends(fault, history))
    .flatMap((fault) => struckBy(history, fault, byJob as Map<number, Transition[]>))
    .filter(({ tookMs }) => tookMs > boundMs(history))
    .map(({ job, fault, tookMs, left }) => ({
      check: "recovered late" as const,
      job,
      at: fault.at,
      what: `${left ? "left" : "did not leave"} worker ${fault.worker} ${Math.round(tookMs)} ms after ${fault.kind}, bound ${boundMs(history)} ms`,
    }));

const exitsAreOurs: Find = ({ lives, sessions, faults }) =>
  lives.flatMap((life) => {
    const { worker, pid, from, until, status, signal, endedBy, stubborn, output } = life;
    const booted = sessions.some((session) => session.pid === pid && session.at >= from && session.at <= until);
    const ready = output.includes("ready: connected");
    // A worker that cannot reach PostgreSQL as it starts says so and ends: that is for its supervisor.
    const excused = !ready && status === 1 && faults.some((fault) => strikes(fault, worker, from, until));
    const clean =
      endedBy === "SIGKILL" || (endedBy === "SIGTERM" && (status === 0 || (!booted && signal === "SIGTERM")));
    if ((clean && !stubborn) || excused) return [];
    const how = stubborn ? "did not end after SIGTERM" : `ended with ${signal ?? `status ${status}`}`;
    return [
      {
        check: "unexpected exit" as const,
        at: until,
        what: `worker ${worker} ${how}; it said:\n${output.slice(-1_500)}`,
      },
    ];
  });

function strikes(fault: Fault, worker: number, from: number, to: number): boolean {
  return strikesWorker(fault, worker) && fault.at <= to && fault.until + 1_000 >= from;
}

/** A lost connection rejects an application's call, and is over with it. */
const applicationsLiveOn: Find = ({ applications }) =>
  applications.flatMap(({ name, ended, unanswered }): Violation[] => {
    if (ended !== undefined) return [{ check: "application exit", what: `${name} ${ended}` }];
    if (unanswered.length === 0) return [];
    return [{ check: "application stuck", what: `${name}: no answer after the last fault: ${unanswered.join(", ")}` }];
  });

const checks: readonly Find[] = [
  // What ended a worker explains the rest.
  exitsAreOurs,
  applicationsLiveOn,
  lost,
  transitionsAreSound,
  endsOnce,
  effectsAreExact,
  sessionsStayEnded,
  attemptsAreFair,
  recoveryIsInTime,
];
