// What a run amounted to, in numbers: in all, and by kind of fault.
import {
  type Fault,
  type FaultKind,
  faultKinds,
  type History,
  strikesWorker,
  type Transition,
  transitionsByJob,
} from "./history.ts";
import { isLostClaimReleased, isRescue, struckBy } from "./recovery.ts";

export interface FaultFigures {
  readonly injected: number;
  /** Jobs in the hands of the workers that were struck. */
  readonly inHand: number;
  readonly rescued: number;
  readonly fenced: number;
  readonly lostClaimsReleased: number;
  /** From a fault to the rescue of a job that was in hand; undefined if none had to be. */
  readonly worstRecoveryMs?: number;
}

export interface Figures {
  readonly jobs: number;
  readonly completed: number;
  readonly cancelled: number;
  readonly rolledBack: number;
  readonly runs: number;
  readonly effects: number;
  readonly sessions: number;
  readonly sessionsLost: number;
  /** Calls of the applications that run beside the workers, and those of them that rejected. */
  readonly applicationCalls: number;
  readonly applicationRejections: number;
  /** How long the machine was too busy for the harness itself. */
  readonly stalledMs: number;
  readonly faults: Readonly<Partial<Record<FaultKind | "none", FaultFigures>>>;
}

export function figuresOf(history: History): Figures {
  const byJob = transitionsByJob(history);
  const attributed = [...attributions(history, byJob)];
  const kinds = [...faultKinds, "none" as const];
  const faults = kinds.flatMap((kind) => {
    const own = attributed.filter(({ fault }) => (fault?.kind ?? "none") === kind);
    const injected = history.faults.filter((fault) => fault.kind === kind);
    const struck = injected.flatMap((fault) => struckBy(history, fault, byJob));
    const rescued = struck.filter(({ left }) => left && isRescue(left));
    const figures: FaultFigures = {
      injected: injected.length,
      inHand: struck.length,
      rescued: own.filter(({ what }) => what === "rescued").length,
      fenced: own.filter(({ what }) => what === "fenced").length,
      lostClaimsReleased: own.filter(({ what }) => what === "lost claim released").length,
      ...(rescued.length > 0 && { worstRecoveryMs: Math.round(Math.max(...rescued.map(({ tookMs }) => tookMs))) }),
    };
    return injected.length > 0 || own.length > 0 ? [[kind, figures] as const] : [];
  });
  const { jobs, transitions, effects, sessions, said, enqueues, applications } = history;
  return {
    jobs: jobs.length,
    completed: jobs.filter(({ state }) => state === "completed").length,
    cancelled: jobs.filter(({ state }) => state === "cancelled").length,
    rolledBack: enqueues.rolledBack.length,
    runs: transitions.filter(({ before, after }) => before?.state === "queued" && after?.state === "active").length,
    effects: effects.filter(({ kind }) => kind === "done").length,
    sessions: sessions.filter(({ opened }) => opened).length,
    sessionsLost: said.filter(({ what }) => what === "session-lost").length,
    applicationCalls: applications.reduce((sum, { answered, rejected }) => sum + answered + rejected, 0),
    applicationRejections: applications.reduce((sum, { rejected }) => sum + rejected, 0),
    stalledMs: history.stalls.reduce((sum, { from, until }) => sum + until - from, 0),
    faults: Object.fromEntries(faults),
  };
}

interface Attributed {
  readonly what: "rescued" | "fenced" | "lost claim released";
  /** The last fault before it that struck the worker. */
  readonly fault: Fault | undefined;
}

function* attributions(history: History, byJob: ReadonlyMap<number, readonly Transition[]>): Generator<Attributed> {
  const workerOf = workersBySession(history);
  const lastFault = (worker: number | undefined, at: number) =>
    history.faults
      .filter((fault) => fault.at <= at && strikesWorker(fault, worker))
      .reduce<Fault | undefined>((last, fault) => (!last || fault.at > last.at ? fault : last), undefined);
  for (const { worker, at, what } of history.said) if (what === "fenced") yield { what, fault: lastFault(worker, at) };
  for (const transitions of byJob.values()) {
    let claimedAt = 0;
    for (const transition of transitions) {
      const { before, at } = transition;
      if (transition.after?.state === "active" && before?.state === "queued") claimedAt = at;
      const worker = workerOf.get(before?.workerId ?? "");
      if (isRescue(transition)) yield { what: "rescued", fault: lastFault(worker, at) };
      if (isLostClaimReleased(transition, claimedAt))
        yield { what: "lost claim released", fault: lastFault(worker, claimedAt + 2_000) };
    }
  }
}

function workersBySession({ sessions, lives }: History): Map<string, number> {
  const opened = sessions.filter((session) => session.opened);
  return new Map(
    opened.flatMap(({ id, pid, at }) => {
      const life = lives.find((one) => one.pid === pid && one.from <= at && at <= one.until);
      return life ? [[id, life.worker] as const] : [];
    }),
  );
}
