import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { randomFrom } from "../support/random.ts";
import { statements } from "./faults.ts";
import { figuresOf } from "./figures.ts";
import type {
  ApplicationLife,
  Effect,
  Fault,
  History,
  Job,
  JobState,
  Life,
  SessionChange,
  Transition,
} from "./history.ts";
import { mutants } from "./mutants.ts";
import { planFaults } from "./plan.ts";
import { everything } from "./profiles.ts";
import { type Check, judge } from "./verdict.ts";

const worker = "session-of-worker-0";

const queued: JobState = {
  state: "queued",
  claims: 0,
  workerId: null,
  attempt: 0,
  crashes: 0,
  runAt: 1_000,
  cancelRequested: false,
};
const active: JobState = { ...queued, state: "active", claims: 1, attempt: 1, workerId: worker };
const completed: JobState = { ...active, state: "completed", workerId: null };
const requeued: JobState = { ...queued, claims: 1, crashes: 1 };

/** A job's course through these states, a hundred milliseconds apart, each in a transaction of its own. */
function course(...states: JobState[]): Transition[] {
  return states.map((after, step) => ({
    job: 1,
    at: 1_000 + 100 * step,
    transaction: `transaction ${step}`,
    before: states[step - 1] ?? null,
    after,
  }));
}

const job: Job = {
  id: 1,
  name: "transactional",
  n: 1,
  state: "completed",
  attempt: 1,
  cancelRequested: false,
  failures: 0,
};
const effects: Effect[] = (["begun", "done"] as const).map((kind) => ({
  job: 1,
  claims: 1,
  kind,
  transaction: "transaction 2",
}));
const session: SessionChange = {
  id: worker,
  pid: 7,
  at: 500,
  endedBefore: false,
  endedAfter: false,
  opened: true,
  extended: false,
};
const life: Life = {
  worker: 0,
  pid: 7,
  from: 0,
  until: 100_000,
  status: 0,
  signal: null,
  endedBy: "SIGTERM",
  stubborn: false,
  output: "",
};
const application: ApplicationLife = {
  name: "application",
  ended: undefined,
  unanswered: [],
  answered: 100,
  rejected: 10,
};
const kill: Fault = { kind: "kill", worker: 0, at: 1_150, until: 1_400 };

const clean: History = {
  transitions: course(queued, active, completed),
  sessions: [session],
  jobs: [job],
  effects,
  enqueues: { committed: [1], rolledBack: [2], together: [1] },
  orders: [1],
  faults: [],
  lives: [life],
  said: [],
  applications: [application],
  stalls: [],
  bounds: { leaseMs: 1_000, sweepMs: 500, pollMs: 500, slackMs: 1_000 },
};

/** The checks that a history breaks, in which this is different from the clean one. */
function broken(different: Partial<History>): Check[] {
  return [...new Set(judge({ ...clean, ...different }).map(({ check }) => check))];
}

test("a clean history is clean", () => {
  expect(judge(clean)).toEqual([]);
});

test("a rescue and a second run are clean", () => {
  const again = { ...active, claims: 2, crashes: 1 };
  const transitions = course(queued, active, requeued, again, { ...again, state: "completed", workerId: null });
  const later = effects.map((effect) => ({ ...effect, claims: 2, transaction: "transaction 4" }));
  expect(judge({ ...clean, transitions, effects: later, faults: [kill] })).toEqual([]);
});

describe("each violation is named:", () => {
  const wrong: [string, Check, Partial<History>][] = [
    ["a committed job that is not there", "lost", { jobs: [], transitions: [], effects: [] }],
    [
      "a job that is not finished",
      "lost",
      { jobs: [{ ...job, state: "active" }], transitions: course(queued, active), effects: [] },
    ],
    ["a job that was deleted", "lost", { transitions: course(queued, active, completed).concat(gone()) }],
    [
      "a job of a transaction that was rolled back",
      "rolled back, but there",
      { enqueues: { committed: [], rolledBack: [1], together: [] } },
    ],
    ["a job whose order is not there", "torn apart", { orders: [] }],
    ["an order of a transaction that was rolled back", "rolled back, but there", { orders: [1, 2] }],
    [
      "a job that is settled without a claim",
      "illegal transition",
      { transitions: course(queued, active, requeued, completed) },
    ],
    [
      "a job that changes its worker while it runs",
      "illegal transition",
      { transitions: course(queued, active, { ...active, workerId: "another" }, completed) },
    ],
    ["a job that finishes twice", "settled twice", { transitions: course(queued, active, completed, completed) }],
    [
      "a claim that ends twice",
      "settled twice",
      { transitions: course(queued, active, requeued, active, { ...active, state: "completed", workerId: null }) },
    ],
    ["a completed job without its effect", "effect missing", { effects: [] }],
    [
      "a plain job that another claim than the one that did it completed",
      "effect missing",
      { jobs: [{ ...job, name: "plain" }], effects: [{ ...effects[1], claims: 2 } as Effect] },
    ],
    ["an effect that happened twice", "effect twice", { effects: [...effects, ...effects] }],
    [
      "an effect outside the transaction that settled its job",
      "effect of another transaction",
      { effects: [effects[0] as Effect, { ...effects[1], transaction: "transaction 9" } as Effect] },
    ],
    [
      "an effect of a job that was cancelled",
      "effect of another transaction",
      {
        jobs: [{ ...job, state: "cancelled" }],
        transitions: course(queued, active, { ...completed, state: "cancelled" }),
      },
    ],
    [
      "a cancelled job that is given back",
      "ran after its cancellation",
      {
        transitions: course(
          queued,
          active,
          { ...active, cancelRequested: true },
          { ...requeued, cancelRequested: true },
        ),
      },
    ],
    [
      "a cancelled job that is claimed",
      "ran after its cancellation",
      { transitions: course(queued, { ...queued, cancelRequested: true }, { ...active, cancelRequested: true }) },
    ],
    [
      "a session that lives again",
      "session revived",
      { sessions: [session, { ...session, opened: false, endedBefore: true }] },
    ],
    [
      "an ended session whose lease is extended",
      "session revived",
      { sessions: [session, { ...session, opened: false, endedBefore: true, endedAfter: true, extended: true }] },
    ],
    [
      "a worker's id on a job that is not active",
      "worker id without claim",
      { transitions: course(queued, active, { ...completed, workerId: worker }) },
    ],
    [
      "claims that are lowered",
      "claims not counted",
      { transitions: course(queued, active, { ...completed, claims: 0 }) },
    ],
    ["a claim that is not counted", "claims not counted", { transitions: course(queued, { ...active, claims: 0 }) }],
    [
      "a job that started before its time",
      "started early",
      { transitions: course({ ...queued, runAt: 1_200 }, active, completed) },
    ],
    ["an attempt that an interruption cost", "attempt miscounted", { jobs: [{ ...job, attempt: 2 }] }],
    ["a dead letter, where none was planned", "died", { jobs: [{ ...job, state: "dead" }] }],
    [
      "a job that stays with a killed worker",
      "recovered late",
      { faults: [kill], transitions: [...course(queued, active), late(9_000)] },
    ],
    ["a process that ended by itself", "unexpected exit", { lives: [{ ...life, endedBy: null, status: 1 }] }],
    [
      "a process that does not end when told to",
      "unexpected exit",
      { lives: [{ ...life, stubborn: true, signal: "SIGKILL" }] },
    ],
    [
      "an application that ended",
      "application exit",
      { applications: [application, { ...application, ended: "ended with 1: Error: write CONNECTION_CLOSED" }] },
    ],
    [
      "an application whose calls are not answered any more",
      "application stuck",
      { applications: [{ ...application, unanswered: ["enqueues 50"] }] },
    ],
  ];
  test.each(wrong)("%s", (_, check, different) => {
    expect(broken(different)).toContain(check);
  });
});

test.each(["restart", "revoke"] as const)("the time of a %s does not count as recovery", (kind) => {
  const away: Fault = { kind, worker: null, at: 1_200, until: 8_000 };
  const transitions = [
    ...course(queued, active),
    late(9_000),
    ...course(requeued).map((one) => ({ ...one, at: 9_100 })),
  ];
  expect(broken({ faults: [kill, away], transitions })).not.toContain("recovered late");
});

test("an attempt may be lost to a job's own transaction while PostgreSQL refuses changes, and to nothing else", () => {
  const revoke: Fault = { kind: "revoke", worker: null, at: 1_050, until: 1_150 };
  const jobs = [{ ...job, attempt: 2 }];
  expect(broken({ jobs, faults: [revoke] })).toEqual([]);
  expect(broken({ jobs, faults: [{ ...revoke, at: 500, until: 900 }] })).toEqual(["attempt miscounted"]);
  expect(broken({ jobs: [{ ...job, name: "plain", attempt: 2 }], faults: [revoke] })).toContain("attempt miscounted");
});

test("a worker that cannot reach PostgreSQL as it starts may end", () => {
  const failed: Life = { ...life, pid: 8, from: 10_000, until: 11_000, endedBy: null, status: 1 };
  const cut: Fault = { kind: "black hole", worker: 0, at: 10_500, until: 10_800 };
  expect(broken({ lives: [life, failed], faults: [cut] })).toEqual([]);
  expect(broken({ lives: [life, failed] })).toEqual(["unexpected exit"]);
});

test("a fault of applications excuses no worker", () => {
  const failed: Life = { ...life, pid: 8, from: 10_000, until: 11_000, endedBy: null, status: 1 };
  const drop: Fault = { kind: "drop application", worker: null, at: 10_500, until: 10_500 };
  expect(broken({ lives: [life, failed], faults: [drop] })).toEqual(["unexpected exit"]);
});

test("a fault is counted with the jobs that it struck", () => {
  const again = { ...active, claims: 2, crashes: 1, workerId: "another" };
  const transitions = course(queued, active, requeued, again, { ...again, state: "completed", workerId: null });
  expect(figuresOf({ ...clean, transitions, faults: [kill] }).faults.kill).toEqual({
    injected: 1,
    inHand: 1,
    rescued: 1,
    fenced: 0,
    lostClaimsReleased: 0,
    worstRecoveryMs: 50,
  });
});

test("the same seed plans the same faults, and leaves one worker alone", () => {
  const input = { ...everything, leaseMs: 3_000, seconds: 60 };
  const planned = planFaults(randomFrom(5), input);
  expect(planFaults(randomFrom(5), input)).toEqual(planned);
  expect(planFaults(randomFrom(6), input)).not.toEqual(planned);
  for (const { at } of planned) {
    const struck = planned.filter((one) => one.worker !== null && one.at <= at && at < one.at + one.lastsMs);
    expect(new Set(struck.map((one) => one.worker)).size).toBeLessThan(input.workers);
  }
});

test.each(mutants)("mutant $name fits the built code", ({ rewrites }) => {
  for (const { file, search } of rewrites) {
    const built = readFileSync(new URL(`../../dist/src/${file}`, import.meta.url), "utf8");
    expect(built.split(search), `${file}: ${search}`).toHaveLength(2);
  }
});

test.each([
  ["cut claim", "jobs/claim/claimable.js"],
  ["cut settle", "jobs/settle/settle.js"],
] as const)("%s knows its statement by a text of the built code", (kind, file) => {
  expect(readFileSync(new URL(`../../dist/src/${file}`, import.meta.url), "utf8")).toMatch(statements[kind]);
});

function gone(): Transition {
  return { job: 1, at: 2_000, transaction: "transaction 9", before: completed, after: null };
}

/** The rescue of the job, at this time. */
function late(at: number): Transition {
  return { job: 1, at, transaction: "transaction 9", before: active, after: requeued };
}
