import { setTimeout as sleep } from "node:timers/promises";
import { errorCode, errorText } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { deleteCompleted } from "../jobs/delete-completed.js";
import { storable } from "../jobs/error-record.js";
import { type Settled, type Settlement, settle, settleUnlocked } from "../jobs/settle.js";
import { findUnsettled } from "../jobs/unsettled.js";
import type { Tell } from "./events.js";

/** A settlement on its way, and who waits for it. */
interface Pending extends Settlement {
  readonly workerId: string;
  /** Undefined: the claim had ended before. */
  readonly written: (state: Settled["state"] | undefined) => void;
}

const largestBatch = 500;
const retryMs = 250;

/** Gathers settlements and writes them in batches: the next one leaves when the one before is back. */
export class Settler {
  #pending: Pending[] = [];
  #flushing: Promise<void> | undefined;
  #abandoned = false;

  constructor(
    private readonly db: Queryable,
    private readonly tell: Tell,
    /** Whether completed jobs are deleted as they are settled. */
    private readonly deletesCompleted: boolean,
  ) {}

  /**
   * Writes a settlement down, however long the database is away.
   *
   * @returns the state that the job was left in; undefined if it was fenced
   */
  settle(workerId: string, settlement: Settlement): Promise<Settled["state"] | undefined> {
    return new Promise((written) => {
      this.#pending.push({ ...settlement, workerId, written });
      this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined));
    });
  }

  /** Gives up on what cannot be written now: the session's end leaves it to others. */
  abandon(): void {
    this.#abandoned = true;
  }

  async #flush(): Promise<void> {
    // What ends in the same turn of the event loop travels together.
    await new Promise(setImmediate);
    while (this.#pending.length > 0) {
      const workerId = (this.#pending[0] as Pending).workerId;
      const mine = this.#pending.filter((one) => one.workerId === workerId).slice(0, largestBatch);
      const taken = new Set(mine);
      this.#pending = this.#pending.filter((one) => !taken.has(one));
      await this.#write(workerId, mine);
    }
  }

  async #write(workerId: string, batch: readonly Pending[]): Promise<void> {
    try {
      this.#done(batch, await this.#settleBatch(workerId, batch));
    } catch (error) {
      this.tell({ type: "trouble", doing: `settling ${batch.length} jobs`, error });
      switch (causeOf(error)) {
        case "lock":
          return this.#writeAroundLocks(workerId, batch);
        case "value":
          return this.#writeOneByOne(workerId, batch);
        default:
          return this.#writeAfterOutage(workerId, batch);
      }
    }
  }

  async #settleBatch(workerId: string, batch: readonly Pending[]): Promise<Settled[]> {
    if (!this.deletesCompleted) return settle(this.db, workerId, batch);
    const completed = batch.filter(({ outcome }) => outcome.kind === "completed");
    const deleted = completed.length > 0 ? await deleteCompleted(this.db, workerId, completed) : [];
    const gone = new Set(deleted.map(({ id }) => id));
    const rest = batch.filter(({ id }) => !gone.has(id));
    return rest.length > 0 ? [...deleted, ...(await settle(this.db, workerId, rest))] : deleted;
  }

  /** Someone holds a row of the batch: the others are settled now, and that one alone, when it is free. */
  async #writeAroundLocks(workerId: string, batch: readonly Pending[]): Promise<void> {
    try {
      const settled = await settleUnlocked(this.db, workerId, batch);
      const free = new Set(settled.map(({ id }) => id));
      this.#done(
        batch.filter(({ id }) => free.has(id)),
        settled,
      );
      for (const one of batch) if (!free.has(one.id)) void this.#writeWhenFree(workerId, one);
    } catch {
      await this.#writeAfterOutage(workerId, batch);
    }
  }

  async #writeWhenFree(workerId: string, one: Pending): Promise<void> {
    while (!this.#abandoned) {
      try {
        return this.#done([one], await settle(this.db, workerId, [one]));
      } catch (error) {
        if (causeOf(error) === "outage") return this.#writeAfterOutage(workerId, [one]);
        await sleep(retryMs);
      }
    }
    one.written(undefined);
  }

  /** A value of the batch cannot be stored, against all checks: nothing may stay active for it. */
  async #writeOneByOne(workerId: string, batch: readonly Pending[]): Promise<void> {
    for (const one of batch) {
      try {
        this.#done([one], await settle(this.db, workerId, [one]));
      } catch (error) {
        const reason = `its outcome could not be stored: ${storable(errorText(error))}`;
        void this.#writeWhenFree(
          workerId,
          causeOf(error) === "value" ? { ...one, outcome: { kind: "dead", reason } } : one,
        );
      }
    }
  }

  /** Whether the lost statement was written must be read: said again blindly, it would look fenced. */
  async #writeAfterOutage(workerId: string, batch: readonly Pending[]): Promise<void> {
    while (!this.#abandoned) {
      await sleep(retryMs);
      try {
        const { written, toDo } = await findUnsettled(this.db, workerId, batch);
        const again = new Set(toDo.map(({ id }) => id));
        this.#done(
          batch.filter(({ id }) => !again.has(id)),
          written,
        );
        this.#pending.push(...batch.filter(({ id }) => again.has(id)));
        return;
      } catch (error) {
        this.tell({ type: "trouble", doing: `finding out whether ${batch.length} jobs were settled`, error });
      }
    }
    this.#done(batch, []);
  }

  #done(batch: readonly Pending[], settled: readonly Settled[]): void {
    const states = new Map(settled.map(({ id, state }) => [id, state]));
    for (const one of batch) one.written(states.get(one.id));
  }
}

/** What kept a settle from being written, by its SQLSTATE. */
function causeOf(error: unknown): "lock" | "value" | "outage" {
  const code = errorCode(error) ?? "";
  if (["55P03", "40P01", "40001"].includes(code)) return "lock";
  // Data exceptions, limits of a value, and constraints.
  if (/^(22|54|23)...$/.test(code)) return "value";
  return "outage";
}
