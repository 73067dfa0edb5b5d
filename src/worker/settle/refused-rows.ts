import type { WorkerEventListener } from "../events/events.js";

const firstRetryMs = 1_000;
const maxRetryMs = 60_000;
/** For suspects: while PostgreSQL accepts no row at all, the cause may end soon. */
const maxSuspectRetryMs = 10_000;
const maxRows = 1_000;

interface RefusedRow {
  tries: number;
  /** By `performance.now()`. */
  retryAt: number;
  /** Whether PostgreSQL has accepted no other row since the first refusal. Then this row may not be the cause. */
  isSuspect: boolean;
}

/**
 * Jobs whose rows PostgreSQL refuses to change, for example because a trigger raises an error or a constraint is violated. Statements
 * exclude these jobs so that all other jobs proceed, and retry them with backoff. Each refusal emits an error event.
 */
export class RefusedRows {
  /** By job id, in the order of the last refusal. */
  readonly #rows = new Map<number, RefusedRow>();

  /** @param describeOperation returns the refused operation on a job, in words that complete "failed while …" */
  constructor(
    private readonly describeOperation: (id: number) => string,
    private readonly emit: WorkerEventListener,
  ) {}

  /** The jobs to exclude. */
  get ids(): number[] {
    return [...this.#rows.keys()];
  }

  hasDue(): boolean {
    const now = performance.now();
    for (const { retryAt } of this.#rows.values()) if (retryAt <= now) return true;
    return false;
  }

  /** Returns the jobs to retry now: one job, or all suspects together. Other statements exclude them until the result is known. */
  takeDue(): number[] {
    const now = performance.now();
    const [id, row] = [...this.#rows].find(([, { retryAt }]) => retryAt <= now) ?? [];
    if (id === undefined || !row) return [];
    const due = row.isSuspect ? [...this.#rows].filter(([, { isSuspect }]) => isSuspect) : ([[id, row]] as const);
    for (const [, dueRow] of due) dueRow.retryAt = now + computeBackoffMs(dueRow);
    return due.map(([dueId]) => dueId);
  }

  add(id: number, error: unknown): void {
    const row = this.#rows.get(id) ?? { tries: 0, retryAt: 0, isSuspect: true };
    const isOneOfMany = row.isSuspect && [...this.#rows].some(([other, { isSuspect }]) => isSuspect && other !== id);
    row.retryAt = performance.now() + computeBackoffMs(row);
    row.tries += 1;
    this.#rows.delete(id);
    this.#rows.set(id, row);
    for (const oldest of this.#rows.keys()) if (this.#rows.size > maxRows) this.#rows.delete(oldest);
    if (!isOneOfMany) this.emit({ type: "error", operation: this.describeOperation(id), error });
  }

  /**
   * Call this when PostgreSQL has accepted a row. Makes all suspects due at once: it refused them while it accepted no row, and the cause,
   * such as revoked privileges, may have ended.
   */
  retrySuspects(): void {
    for (const row of this.#rows.values()) {
      if (row.isSuspect) row.retryAt = 0;
      row.isSuspect = false;
    }
  }

  /** Removes jobs that PostgreSQL did not refuse, or that no longer exist. */
  delete(ids: readonly number[]): void {
    for (const id of ids) this.#rows.delete(id);
  }
}

function computeBackoffMs({ tries, isSuspect }: RefusedRow): number {
  return Math.min(isSuspect ? maxSuspectRetryMs : maxRetryMs, firstRetryMs * 2 ** tries);
}
