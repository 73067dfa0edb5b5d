import { deepEqual as equal } from "node:assert/strict";
import type { AsyncCommand } from "fast-check";
import type { Queryable } from "../../src/core/queryable.ts";
import { ClaimPositions } from "../../src/jobs/claim/claim-positions.ts";
import type { ClaimedJob } from "../../src/jobs/claim/claim.ts";
import { openSession } from "../../src/sessions/session.ts";
import { brokenInvariants } from "./invariants.ts";
import { type Claim, JobModel } from "./job-model.ts";
import { empty, readAll, type Row, type Rows } from "./model-database.ts";

export const leaseMs = 600_000;
/** The worker that never begins a new session: it goes on with one that has ended. */
export const stale = 2;

/** A worker that the test plays. Its session may have ended without its knowing. */
export interface Player {
  session: string;
}

/** What the model is compared with, and what the players remember. */
export class Stage {
  readonly players: Player[] = [];
  /** By queue. All players share them, so that they soon lie behind what is claimed. */
  readonly marks = new Map<string, ClaimPositions>();
  /** What each claim brought. */
  readonly claimed = new Map<Claim, ClaimedJob>();
  /** How many claims there were: each has a token that no other one has. */
  claimTokens = 0;
  readonly #ended = new Set<string>();
  #before: Rows = { jobs: [], sessions: [] };

  private constructor(
    readonly db: Queryable,
    readonly model: JobModel,
  ) {}

  static async open(db: Queryable): Promise<Stage> {
    const stage = new Stage(db, new JobModel());
    await empty(db);
    while (stage.players.length <= stale) stage.players.push({ session: await stage.newSession() });
    await stage.compare();
    return stage;
  }

  async newSession(): Promise<string> {
    const id = await openSession(this.db, { host: "a model", pid: 0, version: "0", queues: {}, leaseMs });
    this.model.sessions.set(id, { leaseExpiresAt: this.model.now + leaseMs, endedAt: null });
    return id;
  }

  /** A claim ends once at most. */
  noteEnd = ({ id, claimToken }: Pick<Claim, "id" | "claimToken">): void => {
    const name = `claim ${claimToken} of job ${id}`;
    equal(this.#ended.has(name), false, `${name} ended twice`);
    this.#ended.add(name);
  };

  /** Every job and session is what the model says, and nothing impossible happened. Then a millisecond passes. */
  async compare(): Promise<void> {
    const { model } = this;
    model.now += 1;
    const after = await readAll(this.db, model.now);
    equal(brokenInvariants(this.#before, after), [], "what can never be");
    equal(
      after.jobs,
      model.all().map((job) => rowOf(model, job)),
      "the jobs",
    );
    const sessions = [...model.sessions].map(([id, session]) => ({ id, ...session }));
    equal(
      after.sessions,
      sessions.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      "the sessions",
    );
    this.#before = after;
  }
}

function rowOf(model: JobModel, job: Parameters<JobModel["attempt"]>[0]): Row {
  const { late: _late, refunds: _refunds, ...row } = job;
  return { ...row, attempt: model.attempt(job) };
}

export type Step = AsyncCommand<JobModel, Stage>;

/** One thing that happens, to the model and on the stage; and then both are compared. @param text how a failure tells it */
export function step(
  text: string,
  run: (model: JobModel, stage: Stage) => Promise<void>,
  check: (model: JobModel) => boolean = () => true,
): Step {
  return {
    check,
    async run(model, stage) {
      await run(model, stage);
      await stage.compare();
    },
    toString: () => text,
  };
}

/** One of these, counted from the newest. */
export function nth<T>(all: readonly T[], n: number): T | undefined {
  return all[all.length - 1 - (n % all.length)];
}
