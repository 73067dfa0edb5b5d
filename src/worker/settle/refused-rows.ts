import type { WorkerEventListener } from "../events/events.js";

const firstRetryMs = 1_000;
const maxRetryMs = 60_000;
/** While nothing is accepted at all. */
const maxSuspectRetryMs = 10_000;
const maxRows = 1_000;

interface RefusedRow {
  tries: number;
  /** By `performance.now()`. */
  retryAt: number;
  /** Nothing was accepted since it was first refused: then it may not be the row. */
  isSuspect: boolean;
}

/**
 * Jobs whose row PostgreSQL refuses to change, since a trigger raises, a constraint is broken, or the like. They are left out, so
 * that the others go on, and tried again less and less often. Each refusal is reported.
 */
export class RefusedRows {
  /** In the order of their last refusal. */
  readonly #rows = new Map<number, RefusedRow>();

  /** @param operation says for a job what PostgreSQL refuses, in the words that complete "failed while …" */
  constructor(
    private readonly operation: (id: number) => string,
    private readonly emit: WorkerEventListener,
  ) {}

  /** The jobs to leave out. */
  get ids(): number[] {
    return [...this.#rows.keys()];
  }

  hasDue(): boolean {
    const now = performance.now();
    for (const { retryAt } of this.#rows.values()) if (retryAt <= now) return true;
    return false;
  }

  /** The jobs to be tried again now: one, or together all those that may not be the cause. They are left out until the answer is known. */
  takeDue(): number[] {
    const now = performance.now();
    const [id, row] = [...this.#rows].find(([, { retryAt }]) => retryAt <= now) ?? [];
    if (id === undefined || !row) return [];
    const taken = row.isSuspect ? [...this.#rows].filter(([, { isSuspect }]) => isSuspect) : ([[id, row]] as const);
    for (const [, one] of taken) one.retryAt = now + waitMs(one);
    return taken.map(([one]) => one);
  }

  add(id: number, error: unknown): void {
    const row = this.#rows.get(id) ?? { tries: 0, retryAt: 0, isSuspect: true };
    const isOneOfMany = row.isSuspect && [...this.#rows].some(([other, { isSuspect }]) => isSuspect && other !== id);
    row.retryAt = performance.now() + waitMs(row);
    row.tries += 1;
    this.#rows.delete(id);
    this.#rows.set(id, row);
    for (const oldest of this.#rows.keys()) if (this.#rows.size > maxRows) this.#rows.delete(oldest);
    if (!isOneOfMany) this.emit({ type: "error", operation: this.operation(id), error });
  }

  /**
   * PostgreSQL changes rows again. Those that it refused while it accepted none are tried again at once: rights that were revoked
   * may have been granted.
   */
  acceptedSome(): void {
    for (const row of this.#rows.values()) {
      if (row.isSuspect) row.retryAt = 0;
      row.isSuspect = false;
    }
  }

  /** They were not refused, or are gone. */
  delete(ids: readonly number[]): void {
    for (const id of ids) this.#rows.delete(id);
  }
}

function waitMs({ tries, isSuspect }: RefusedRow): number {
  return Math.min(isSuspect ? maxSuspectRetryMs : maxRetryMs, firstRetryMs * 2 ** tries);
}
