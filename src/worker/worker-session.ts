import { hostname } from "node:os";
import type { Queryable } from "../core/queryable.js";
import { version } from "../core/version.js";
import { beat, endSession, openSession, publishIdle } from "../sessions/session.js";
import type { Duty } from "./duties.js";
import type { Settings } from "./settings.js";

/** Beats per lease: so many may fail before the session dies. */
const beatsPerLease = 4;

/** This worker's session: kept alive by beats, and begun anew when it was ended from outside. */
export class WorkerSession {
  #id = "";
  #idle = new Set<string>();

  constructor(
    private readonly db: Queryable,
    private readonly settings: Settings,
  ) {}

  get id(): string {
    return this.#id;
  }

  async open(): Promise<void> {
    const { leaseMs, queues } = this.settings;
    this.#id = await openSession(this.db, { host: hostname(), pid: process.pid, version, queues, leaseMs });
    if (this.#idle.size > 0) await publishIdle(this.db, this.#id, [...this.#idle]);
  }

  /**
   * @param onBeat after each beat; gets the id of a session that turned out to have ended, when a new one has begun
   */
  duty(onBeat: (lost: string | undefined) => Promise<void>): Duty {
    const { leaseMs } = this.settings;
    return {
      doing: "extending the lease",
      everyMs: leaseMs / beatsPerLease,
      run: async () => {
        if (await beat(this.db, this.#id, leaseMs)) return onBeat(undefined);
        const lost = this.#id;
        await this.open();
        await onBeat(lost);
      },
    };
  }

  /** @returns whether it is news */
  async setIdle(queue: string, idle: boolean): Promise<boolean> {
    if (this.#idle.has(queue) === idle) return false;
    const next = new Set(this.#idle);
    if (idle) next.add(queue);
    else next.delete(queue);
    this.#idle = next;
    await publishIdle(this.db, this.#id, [...next]);
    return true;
  }

  /** Whatever this session still holds may be rescued at once. */
  end(): Promise<void> {
    return endSession(this.db, this.#id);
  }
}
