import { setTimeout as sleep } from "node:timers/promises";
import { errorText } from "../core/errors.js";
import { failureOf, isRefusal } from "../core/failure.js";
import type { Queryable } from "../core/queryable.js";
import { storable } from "../core/storable.js";
import { deleteCompleted } from "../jobs/delete-completed.js";
import { plainSettles, type Settled, type Settlement, type Settles } from "../jobs/settle.js";
import { findEnded } from "../jobs/settled-before.js";
import { Histogram } from "../stats/histogram.js";
import type { Tell } from "./events.js";

/** A settlement on its way, and who waits for it. */
interface Pending extends Settlement {
  readonly workerId: string;
  readonly name: string | undefined;
  /** Undefined: the claim had ended before. */
  readonly written: (state: Settled["state"] | undefined) => void;
}

/** As many as the engine has connections. */
const mostFlights = 4;
const retryMs = 250;
const retryAfterOutageMs = 1_000;

/**
 * Gathers settlements and writes them in batches: the next one leaves when the one before is back, or it is full.
 * What could not be written is tried again beside them, so that it holds up none.
 */
export class Settler {
  /** How many jobs the batches settle. */
  readonly sizes = new Histogram();
  #pending: Pending[] = [];
  #flights = 0;
  /** Those whose statement failed: not written, or written without our knowing; and those that were gone around. */
  #doubtful: Pending[] = [];
  #recovering = false;
  #abandoned = false;
  /** When the first statement was sent of those that PostgreSQL has not answered, nor any since. */
  #unansweredSince: number | undefined;

  constructor(
    private readonly db: Queryable,
    private readonly tell: Tell,
    /** The names of the jobs that are deleted as they complete. */
    private readonly deleted: ReadonlySet<string | undefined>,
    /** Whether to settle around the rows that others have locked from the start: behind a pooler, no lock_timeout ends the wait for them. */
    private readonly aroundLocks: boolean,
    /** How many one statement settles at the most. */
    private readonly batchSize: number,
    /** How jobs are settled at this time. */
    private readonly settles: () => Settles = () => plainSettles,
  ) {}

  /**
   * Writes a settlement down, however long the database is away.
   *
   * @param name the job's, where it may have completed
   * @returns the state that the job was left in; undefined if it was fenced
   */
  settle(workerId: string, settlement: Settlement, name?: string): Promise<Settled["state"] | undefined> {
    return new Promise((written) => {
      this.#pending.push({ ...settlement, workerId, name, written });
      if (this.#flights === 0 || (this.#isFull() && this.#flights < mostFlights)) void this.#flush();
    });
  }

  /** For how long PostgreSQL has answered no settle, in milliseconds; 0 if none was sent. */
  get unansweredMs(): number {
    return this.#unansweredSince === undefined ? 0 : performance.now() - this.#unansweredSince;
  }

  /** Gives up on what cannot be written now: it is left to be rescued. */
  abandon(): void {
    this.#abandoned = true;
  }

  async #flush(): Promise<void> {
    this.#flights += 1;
    // What ends in the same turn of the event loop travels together.
    if (!this.#isFull()) await new Promise(setImmediate);
    do {
      const { workerId } = this.#pending[0] ?? {};
      if (workerId === undefined) break;
      const batch = this.#pending.filter((one) => one.workerId === workerId).slice(0, this.batchSize);
      this.#pending = without(this.#pending, batch);
      this.sizes.add(batch.length);
      await this.#write(workerId, batch);
    } while (this.#flights === 1 || this.#isFull());
    this.#flights -= 1;
  }

  #isFull(): boolean {
    return this.#pending.length >= this.batchSize;
  }

  async #write(workerId: string, batch: readonly Pending[]): Promise<void> {
    const rest = this.deleted.size > 0 && !this.settles().tell ? await this.#deleteCompleted(workerId, batch) : batch;
    if (rest.length === 0) return;
    try {
      if (this.aroundLocks) return await this.#writeUnlocked(workerId, rest);
      const states = statesOf(rest, await this.#ask(this.settles().settle(this.db, workerId, rest)));
      for (const one of rest) one.written(states.get(one));
    } catch (error) {
      this.#doubt(rest, error);
    }
  }

  async #writeUnlocked(workerId: string, batch: readonly Pending[]): Promise<void> {
    const states = statesOf(batch, await this.#ask(this.settles().settleUnlocked(this.db, workerId, batch)));
    for (const [one, state] of states) one.written(state);
    this.#recoverLater(without(batch, [...states.keys()]));
  }

  /** Notes since when nothing was answered. A refusal is an answer; a connection that breaks is none. */
  async #ask<T>(statement: Promise<T>): Promise<T> {
    this.#unansweredSince ??= performance.now();
    try {
      const answer = await statement;
      this.#unansweredSince = undefined;
      return answer;
    } catch (error) {
      if (isRefusal(error)) this.#unansweredSince = undefined;
      throw error;
    }
  }

  /** @returns those that are still to be settled */
  async #deleteCompleted(workerId: string, batch: readonly Pending[]): Promise<readonly Pending[]> {
    const completed = batch.filter(({ name, outcome }) => outcome.kind === "completed" && this.deleted.has(name));
    if (completed.length === 0) return batch;
    try {
      const states = statesOf(completed, await this.#ask(deleteCompleted(this.db, workerId, completed)));
      const gone = completed.filter((one) => states.has(one));
      for (const one of gone) one.written("completed");
      return without(batch, gone);
    } catch (error) {
      this.#doubt(completed, error);
      return without(batch, completed);
    }
  }

  #doubt(batch: readonly Pending[], error: unknown): void {
    this.tell({ type: "trouble", doing: `settling ${batch.length} jobs`, error });
    this.#recoverLater(batch);
  }

  #recoverLater(batch: readonly Pending[]): void {
    this.#doubtful.push(...batch);
    if (!this.#recovering) void this.#recover();
  }

  async #recover(): Promise<void> {
    this.#recovering = true;
    while (this.#doubtful.length > 0 && !this.#abandoned) {
      let waitMs = retryMs;
      try {
        await this.#settleDoubtful();
      } catch (error) {
        this.tell({ type: "trouble", doing: `settling ${this.#doubtful.length} jobs again`, error });
        waitMs = retryAfterOutageMs;
      }
      if (this.#doubtful.length > 0) await sleep(waitMs);
    }
    // Those whose reply was lost may have been found to be settled.
    this.#unansweredSince = undefined;
    // Nobody learns of these any more: they are neither settled nor fenced.
    this.#recovering = false;
  }

  /**
   * A settle whose reply was lost must not be believed when, said again, it finds nothing to settle: its claim's end is
   * read. What still stands is settled around the rows that others have locked; the rest waits for the next time.
   */
  async #settleDoubtful(): Promise<void> {
    const { workerId } = this.#doubtful[0] as Pending;
    const batch = this.#doubtful.filter((one) => one.workerId === workerId).slice(0, this.batchSize);
    // Another session's, and those of this one that stay, are next.
    this.#doubtful = [...without(this.#doubtful, batch), ...batch];
    const ended = await findEnded(this.db, workerId, batch);
    this.#leaveDoubt(ended);
    const standing = batch.filter((one) => !ended.has(one));
    try {
      this.#leaveDoubt(statesOf(standing, await this.#ask(this.settles().settleUnlocked(this.db, workerId, standing))));
    } catch (error) {
      if (failureOf(error) !== "row") throw error;
      for (const one of standing) await this.#settleAlone(workerId, one);
    }
  }

  /**
   * A row of the batch was refused, against all checks: nothing may stay active for it, nor for the others. What the settle tells
   * of it goes first, then its logs.
   */
  async #settleAlone(workerId: string, one: Pending, settles = this.settles()): Promise<void> {
    try {
      this.#leaveDoubt(statesOf([one], await settles.settleUnlocked(this.db, workerId, [one])));
    } catch (error) {
      if (failureOf(error) !== "row") throw error;
      if (settles.tell) {
        this.tell({ type: "trouble", doing: `announcing what became of job ${one.id}: it is settled without`, error });
        return this.#settleAlone(workerId, one, plainSettles);
      }
      const reason = `its outcome could not be stored: ${storable(errorText(error))}`;
      const outcome = one.logs === undefined ? ({ kind: "dead", reason } as const) : one.outcome;
      this.#doubtful = [...without(this.#doubtful, [one]), { ...one, outcome, logs: undefined }];
    }
  }

  #leaveDoubt(states: ReadonlyMap<Pending, Settled["state"] | undefined>): void {
    this.#doubtful = without(this.#doubtful, [...states.keys()]);
    for (const [one, state] of states) one.written(state);
  }
}

/** Those of a batch that were settled. By claim, since an older one of the same job, which did not stand, may be among them. */
function statesOf(batch: readonly Pending[], settled: readonly Settled[]): Map<Pending, Settled["state"]> {
  const byId = new Map(settled.map((one) => [one.id, one]));
  const states = new Map<Pending, Settled["state"]>();
  for (const one of batch) {
    const found = byId.get(one.id);
    if (found?.claims === one.claims) states.set(one, found.state);
  }
  return states;
}

function without<T>(all: readonly T[], some: readonly T[]): T[] {
  const left = new Set(some);
  return all.filter((one) => !left.has(one));
}
