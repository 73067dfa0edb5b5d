// Draws the faults of a run from its seed: what, when and to whom, before anything begins.
import type { Random } from "../support/random.ts";
import { type FaultKind, faultKinds, isOfApplications, isOfPostgres } from "./history.ts";

/** A fault to be injected. Times are milliseconds, `at` from the run's beginning. */
export interface PlannedFault {
  readonly kind: FaultKind;
  readonly at: number;
  /** Null: all of them, or none. */
  readonly worker: number | null;
  /** How long it lasts: until the process goes on or is replaced, or the network heals. */
  readonly lastsMs: number;
  /** Of a cut: on the way to PostgreSQL, or in its reply; after so many bytes. */
  readonly side: "request" | "reply";
  readonly bytes: number;
  /** Of a delay. */
  readonly latencyMs: number;
  /** Picks one of several: which backend, or which application. */
  readonly pick: number;
}

/** How often each kind comes, beside the others. */
export type Weights = Readonly<Partial<Record<FaultKind, number>>>;

export interface PlanInput {
  readonly seconds: number;
  readonly workers: number;
  readonly leaseMs: number;
  readonly weights: Weights;
  /** From one fault to the next, on average. */
  readonly everyMs: number;
}

/** After a restart of PostgreSQL all is left alone for so long. */
const afterRestartMs = 3_000;
/**
 * The faults of a run. One worker at least is always left alone but for what befalls PostgreSQL: somebody must be there to
 * rescue, or recovery would measure the faults and not the product.
 */
export function planFaults(random: Random, { seconds, workers, leaseMs, weights, everyMs }: PlanInput): PlannedFault[] {
  const kinds = faultKinds.filter((kind) => (weights[kind] ?? 0) > 0);
  const total = kinds.reduce((sum, kind) => sum + (weights[kind] as number), 0);
  const busyUntil = Array.from({ length: workers }, () => 0);
  const planned: PlannedFault[] = [];
  for (let at = 0; ;) {
    at += -Math.log(1 - random.next()) * everyMs;
    if (at >= seconds * 1_000) return planned;
    let left = random.next() * total;
    const kind = kinds.find((one) => (left -= weights[one] as number) < 0) ?? (kinds[0] as FaultKind);
    const drawn = random.next();
    const fault = {
      kind,
      at: Math.round(at),
      lastsMs: Math.round(duration(kind, drawn, leaseMs)),
      side: random.below(2) === 0 ? ("request" as const) : ("reply" as const),
      // Short ones as likely as long ones: a reply's first bytes matter as much as its last.
      bytes: Math.floor(2 ** (random.next() * 11)) - 1,
      latencyMs: 10 + random.below(150),
      pick: random.below(1_000),
    };
    const which = random.next();
    if (isOfPostgres(kind) || isOfApplications(kind)) {
      planned.push({ ...fault, worker: null });
      at += kind === "restart" ? afterRestartMs : 0;
      continue;
    }
    const free = busyUntil.flatMap((until, worker) => (until <= at ? [worker] : []));
    if (free.length < 2) continue;
    const worker = free[Math.floor(which * free.length)] as number;
    busyUntil[worker] = at + fault.lastsMs + recoveryMs(kind);
    planned.push({ ...fault, worker });
  }
}

function duration(kind: FaultKind, drawn: number, leaseMs: number): number {
  switch (kind) {
    case "freeze":
      return leaseMs * (1.1 + drawn * 1.4);
    case "black hole":
      return 500 + drawn * 7_000;
    case "revoke":
    case "refuse row":
      return 1_000 + drawn * 4_000;
    case "delay":
      return 2_000 + drawn * 4_000;
    case "kill":
    case "terminate":
      return drawn * 1_000;
    default:
      return 0;
  }
}

/** A process needs some time to begin. */
function recoveryMs(kind: FaultKind): number {
  return kind === "kill" || kind === "terminate" ? 3_000 : 500;
}
