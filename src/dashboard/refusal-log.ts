import { concludeAudit, type NewAuditEntry, recordAudit } from "../audit/record-audit.js";
import type { Queryable } from "../core/queryable.js";

const maxEntriesPerMinute = 20;
const windowMs = 60_000;
/**
 * The application names the actors, so there are few. Beyond this number, all windows are cleared, which lets a few more entries
 * through.
 */
const maxActors = 1_000;

interface Window {
  readonly endsAt: number;
  refusals: number;
  /** The id of the entry that counts the refusals without their own entry. */
  overflow: number | undefined;
}

/** Writes refusals to the audit log: the first twenty per actor and minute, and the number of further ones. */
export class RefusalLog {
  readonly #windows = new Map<string, Window>();

  /** @param write runs a function on a database that may be written to */
  constructor(private readonly write: <T>(record: (db: Queryable) => Promise<T>) => Promise<T>) {}

  async record(entry: NewAuditEntry): Promise<void> {
    const window = this.#windowOf(entry.actor);
    window.refusals += 1;
    const excess = window.refusals - maxEntriesPerMinute;
    if (excess <= 0) return void (await this.write((db) => recordAudit(db, entry)));
    // The count is written only when it has doubled, so that a flood of refusals does not cause a flood of writes.
    if (!Number.isInteger(Math.log2(excess))) return;
    const outcome = `refused: ${excess} or more within a minute, in addition to the ${maxEntriesPerMinute} that have their own entries`;
    const { overflow } = window;
    if (overflow !== undefined) return this.write((db) => concludeAudit(db, overflow, outcome));
    window.overflow = await this.write((db) => recordAudit(db, { ...entry, target: "", detail: {}, outcome }));
  }

  #windowOf(actor: string): Window {
    const now = performance.now();
    const current = this.#windows.get(actor);
    if (current && current.endsAt > now) return current;
    if (this.#windows.size >= maxActors) this.#windows.clear();
    const window: Window = { endsAt: now + windowMs, refusals: 0, overflow: undefined };
    this.#windows.set(actor, window);
    return window;
  }
}
