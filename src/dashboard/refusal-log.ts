import { concludeAudit, type AuditEntry, recordAudit } from "../audit/record-audit.js";
import type { Queryable } from "../core/queryable.js";

const maxEntriesPerMinute = 20;
const windowMs = 60_000;
/** Actors are named by the application, so they are few; forgetting them all lets a few more entries through. */
const maxActors = 1_000;

interface Window {
  readonly endsAt: number;
  refusals: number;
  /** The entry that counts those that have none. */
  overflow: number | undefined;
}

/** Writes refusals to the audit log: of each actor the first twenty a minute, and how many more there were. */
export class RefusalLog {
  readonly #windows = new Map<string, Window>();

  /** @param write runs a function on a database that may be written to */
  constructor(private readonly write: <T>(record: (db: Queryable) => Promise<T>) => Promise<T>) {}

  async note(entry: AuditEntry): Promise<void> {
    const window = this.#windowOf(entry.actor);
    window.refusals += 1;
    const more = window.refusals - maxEntriesPerMinute;
    if (more <= 0) return void (await this.write((db) => recordAudit(db, entry)));
    // Whenever they have doubled: a flood of refusals is no flood of writes.
    if (!Number.isInteger(Math.log2(more))) return;
    const outcome = `refused: ${more} or more within a minute, beside the ${maxEntriesPerMinute} that are written down`;
    const { overflow } = window;
    if (overflow !== undefined) return this.write((db) => concludeAudit(db, overflow, outcome));
    window.overflow = await this.write((db) => recordAudit(db, { ...entry, target: "", detail: {}, outcome }));
  }

  #windowOf(actor: string): Window {
    const now = performance.now();
    const known = this.#windows.get(actor);
    if (known && known.endsAt > now) return known;
    if (this.#windows.size >= maxActors) this.#windows.clear();
    const window: Window = { endsAt: now + windowMs, refusals: 0, overflow: undefined };
    this.#windows.set(actor, window);
    return window;
  }
}
