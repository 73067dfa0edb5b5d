import { hostname } from "node:os";
import type { Queryable } from "../../core/queryable.js";
import { version } from "../../core/version.js";
import type { StoredSchedule } from "../../schedules/stored-schedule.js";
import { beat, endSession, openSession, publishIdle } from "../../sessions/session.js";
import type { Timeline } from "../../sessions/timeline.js";
import { codeDigest } from "../settings/code-digest.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";
import { beatsPerLease } from "../settings/defaults.js";
import type { Settings } from "../settings/settings.js";

/** PostgreSQL's largest integer. At a thousand claims a second it is reached after 24 days, and the count begins at 1 again. */
const maxToken = 2_147_483_647;

/** This worker's session: kept alive by beats, and begun anew when it was ended from outside. */
export class WorkerSession {
  #id = "";
  /** How often it had been ended from outside. */
  lost = 0;
  #idle = new Set<string>();
  #publishing: Promise<boolean> = Promise.resolve(false);
  #extendedAt = 0;
  #answeredAt = 0;
  #roundAt = 0;
  #claims = 0;
  readonly #code: string;

  constructor(
    private readonly db: Queryable,
    private readonly settings: Settings,
    private readonly schedules: readonly StoredSchedule[],
    private readonly timeline?: Timeline,
  ) {
    this.#code = codeDigest(settings.runnables);
  }

  get id(): string {
    return this.#id;
  }

  /**
   * The token of the next claim: a number that this process has given to no other one, whatever PostgreSQL remembers. All queues
   * share the count, and it goes on from one session to the next.
   */
  nextClaimToken(): number {
    this.#claims = (this.#claims % maxToken) + 1;
    return this.#claims;
  }

  async open(): Promise<void> {
    const { leaseMs, queues } = this.settings;
    const sentAt = performance.now();
    const schedules = Object.fromEntries(this.schedules.map(({ name, definition }) => [name, definition]));
    const { timeline } = this;
    const worker = { host: hostname(), pid: process.pid, version, code: this.#code, queues, schedules };
    this.#id = await openSession(this.db, { ...worker, leaseMs, timeline });
    // A new session is idle nowhere yet: the queues say it again as they find themselves so.
    this.#idle = new Set();
    this.#roundAt = sentAt;
    this.#extended(sentAt);
  }

  /** What the session adds to the worker's health. */
  vitals(): { leaseMs: number; leaseAgeMs: number; beatEveryMs: number; silentMs: number; msSinceLastRound: number } {
    const { leaseMs } = this.settings;
    const now = performance.now();
    return {
      leaseMs,
      leaseAgeMs: now - this.#extendedAt,
      beatEveryMs: leaseMs / beatsPerLease,
      silentMs: now - this.#answeredAt,
      msSinceLastRound: now - this.#roundAt,
    };
  }

  #extended(sentAt: number): void {
    this.#extendedAt = sentAt;
    this.#answeredAt = performance.now();
  }

  /**
   * @param onLost gets the id of a session that turned out to have ended, before a new one begins
   * @param onBeat after each beat
   */
  task(onLost: (id: string) => void, onBeat: () => Promise<void>): PeriodicTask {
    const { leaseMs } = this.settings;
    return {
      operation: "extending the lease",
      everyMs: leaseMs / beatsPerLease,
      run: async () => {
        const sentAt = performance.now();
        this.#roundAt = sentAt;
        if (await beat(this.db, this.#id, leaseMs, this.timeline)) this.#extended(sentAt);
        else {
          this.lost += 1;
          onLost(this.#id);
          await this.open();
        }
        await onBeat();
      },
    };
  }

  /** One after the other, since each publishes all idle queues. @returns whether it is news */
  setIdle(queue: string, idle: boolean): Promise<boolean> {
    const publish = async () => {
      if (this.#idle.has(queue) === idle) return false;
      const next = new Set(this.#idle);
      if (idle) next.add(queue);
      else next.delete(queue);
      const id = this.#id;
      await publishIdle(this.db, id, [...next]);
      // A new session that began meanwhile has published nothing yet.
      if (id === this.#id) this.#idle = next;
      return true;
    };
    const published = this.#publishing.then(publish);
    this.#publishing = published.catch(() => false);
    return published;
  }

  /** Whatever this session still holds may be rescued at once. */
  end(): Promise<void> {
    return endSession(this.db, this.#id);
  }
}
