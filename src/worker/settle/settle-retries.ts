import { classifyFailure } from "../../core/failure.js";
import type { Queryable } from "../../core/queryable.js";
import { lesserSettlements } from "../../jobs/settle/lesser-settlements.js";
import { plainSettles, type Settles } from "../../jobs/settle/settle.js";
import { findEnded } from "../../jobs/settle/settled-before.js";
import { BatchLimit } from "../timing/batch-limit.js";
import { pause } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";
import { firstBatch, type Pending, type SettleEnd, statesOf, without } from "./pending-settlement.js";
import { errorThrottle } from "../events/error-throttle.js";
import type { Unanswered } from "./unanswered.js";

const retryMs = 250;
const retryAfterOutageMs = 1_000;
const maxRetryMs = 5_000;
/** When the worker stops, an outcome that PostgreSQL has refused for so long is not waited for. */
const maxRefusedAtStopMs = 5_000;

/** What is known of a settlement that failed alone. */
interface Refusal {
  readonly since: number;
  readonly times: number;
  dueAt: number;
}

/**
 * Settlements whose statement failed, so that they are not written, or are written without our knowing, and those whose rows
 * others had locked. They are tried again until they are written.
 */
export class SettleRetries {
  #waiting: Pending[] = [];
  readonly #refused = new Map<Pending, Refusal>();
  /** How many failed alone, one after the other: if there are several, the reason is probably none of theirs. */
  #refusedInARow = 0;
  #running = false;
  #leaving = false;
  readonly #abandoned = new AbortController();
  readonly #limit: BatchLimit;
  readonly #troubles = errorThrottle();

  constructor(
    private readonly db: Queryable,
    private readonly emit: WorkerEventListener,
    batchSize: number,
    private readonly settles: () => Settles,
    private readonly unanswered: Unanswered,
  ) {
    this.#limit = new BatchLimit(batchSize);
  }

  add(settlements: readonly Pending[]): void {
    this.#waiting.push(...settlements);
    if (!this.#running) void this.#run();
  }

  /** What has been refused for long is tried once more, and then left. */
  leaveRefused(): void {
    this.#leaving = true;
    this.#retryRefused();
  }

  /** Tries nothing again: what waits is neither settled nor fenced, and nobody learns of it. */
  abandon(): void {
    this.#abandoned.abort();
  }

  async #run(): Promise<void> {
    this.#running = true;
    const { signal } = this.#abandoned;
    while (this.#waiting.length > 0 && !signal.aborted) {
      const waitMs = await this.#round();
      if (this.#waiting.length > 0) await pause(waitMs, signal);
    }
    // Those whose reply was lost may have been found to be settled.
    if (this.#waiting.length === 0) this.unanswered.forget();
    this.#running = false;
  }

  /** Tries one batch. @returns how long to wait for the next one, in milliseconds */
  async #round(): Promise<number> {
    const batch = this.#next();
    const [first] = batch;
    if (!first) return retryMs;
    const wasRefused = this.#refused.has(first);
    // Those that stay are next after all others.
    this.#waiting = [...without(this.#waiting, batch), ...batch];
    try {
      const settled = await this.#settle(batch);
      this.#limit.succeeded();
      this.#refusedInARow = 0;
      return settled ? 0 : retryMs;
    } catch (error) {
      if (!wasRefused) this.#limit.failed();
      if (classifyFailure(error) === "outage") {
        this.emit({ type: "error", operation: `settling ${this.#waiting.length} jobs again`, error });
        return retryAfterOutageMs;
      }
      if (batch.length > 1) return 0;
      this.#refusedInARow += 1;
      return this.#keep(first, error) && this.#refusedInARow > 1 ? retryMs : 0;
    }
  }

  /** One that failed alone goes alone, and later and later. */
  #next(): readonly Pending[] {
    const now = performance.now();
    const due = this.#waiting.filter((one) => (this.#refused.get(one)?.dueAt ?? 0) <= now);
    const [first] = due;
    if (first && this.#refused.has(first)) return [first];
    return firstBatch(
      due.filter((one) => !this.#refused.has(one)),
      this.#limit.rows,
    );
  }

  /**
   * A settle whose reply was lost must not be believed when, said again, it finds nothing to settle: its claim's end is
   * read. What still stands is settled around the rows that others have locked; the rest waits for the next time.
   *
   * @returns whether something was settled
   */
  async #settle(batch: readonly Pending[]): Promise<boolean> {
    const { workerId } = batch[0] as Pending;
    const ended = await findEnded(this.db, workerId, batch);
    this.#written(ended);
    const standing = batch.filter((one) => !ended.has(one));
    if (standing.length === 0) return true;
    try {
      const settling = this.settles().settleUnlocked(this.db, workerId, standing);
      const states = statesOf(standing, await this.unanswered.during(settling));
      this.#written(states);
      return ended.size + states.size > 0;
    } catch (error) {
      const [one] = standing;
      if (standing.length > 1 || classifyFailure(error) !== "row") throw error;
      if (await this.#settleLess(one as Pending, error)) return true;
      throw error;
    }
  }

  /**
   * Settles less than the outcome, if PostgreSQL refuses the outcome and at the same time accepts what is less. A table that
   * refuses everything for a while costs no outcome: what is less must be accepted both before and after the outcome was
   * refused once more.
   *
   * @returns whether it is settled
   */
  async #settleLess(one: Pending, refusal: unknown): Promise<boolean> {
    const { db } = this;
    const { workerId, id } = one;
    const settles = this.settles();
    const lesser = [{ settlement: one, without: "" }, ...lesserSettlements(one, refusal)];
    // Mostly nothing is accepted, or all of it: the last one, which says least, is asked first.
    const least = lesser.at(-1) as (typeof lesser)[number];
    if (!(await this.#accepts(plainSettles, workerId, least.settlement))) return false;
    const unannounced = settles.emit ? [plainSettles] : [];
    for (const { settlement, without: missing } of lesser) {
      for (const way of settlement === one ? unannounced : [settles, ...unannounced]) {
        if (!(await this.#accepts(way, workerId, settlement))) continue;
        try {
          this.#written(statesOf([one], await settles.settleUnlocked(db, workerId, [one])));
          return !this.#waiting.includes(one);
        } catch (error) {
          if (classifyFailure(error) !== "row") throw error;
        }
        const states = statesOf([one], await way.settleUnlocked(db, workerId, [settlement]));
        const left = [...(way === settles ? [] : ["its event"]), ...(missing ? [missing] : [])].join(" and ");
        if (states.size > 0)
          this.emit({ type: "error", operation: `settling job ${id}: it is settled without ${left}`, error: refusal });
        this.#written(states);
        return states.size > 0;
      }
    }
    return false;
  }

  /** @throws what is no refusal */
  async #accepts(way: Settles, workerId: string, settlement: Pending): Promise<boolean> {
    try {
      return await way.wouldSettle(this.db, workerId, settlement);
    } catch (error) {
      if (classifyFailure(error) !== "row") throw error;
      return false;
    }
  }

  /** @returns whether it is kept, to be tried again */
  #keep(one: Pending, error: unknown): boolean {
    const now = performance.now();
    const { since = now, times = 0 } = this.#refused.get(one) ?? {};
    if (this.#leaving && now - since > maxRefusedAtStopMs) {
      this.emit({ type: "error", operation: `settling job ${one.id}: it is left to be rescued`, error });
      this.#written(new Map([[one, "left"]]));
      return false;
    }
    // What is only in the way may be gone soon.
    const maxMs = this.#leaving || classifyFailure(error) === "lock" ? retryAfterOutageMs : maxRetryMs;
    this.#refused.set(one, { since, times: times + 1, dueAt: now + Math.min(maxMs, retryMs * 2 ** times) });
    const leftOut = this.#troubles.leftOut();
    const others = this.#refused.size > 1 ? ` (and ${this.#refused.size - 1} others)` : "";
    const operation = `settling job ${one.id}${others}: its outcome is kept and tried again`;
    if (leftOut !== undefined) this.emit({ type: "error", operation, error });
    return true;
  }

  #written(ends: ReadonlyMap<Pending, SettleEnd>): void {
    this.#waiting = without(this.#waiting, [...ends.keys()]);
    // What refused one is over, and perhaps for the others as well.
    for (const one of ends.keys()) if (this.#refused.delete(one)) this.#retryRefused();
    for (const [one, end] of ends) one.written(end);
  }

  #retryRefused(): void {
    for (const refusal of this.#refused.values()) refusal.dueAt = 0;
  }
}
