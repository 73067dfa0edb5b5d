import { hostname } from "node:os";
import type { Queryable } from "../../core/queryable.js";
import { version } from "../../core/version.js";
import type { StoredSchedule } from "../../schedules/stored-schedule.js";
import { beat, endSession, openSession, publishIdleQueues } from "../../sessions/session.js";
import type { Timeline } from "../../sessions/timeline.js";
import { computeCodeDigest } from "../settings/code-digest.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";
import { beatsPerLease } from "../settings/defaults.js";
import type { Settings } from "../settings/settings.js";

/** The largest `integer` of PostgreSQL. At a thousand claims a second, the tokens reach it after 24 days and start over at 1. */
const maxToken = 2_147_483_647;

/** This worker's session. Heartbeats keep it alive. If another process ends it, the worker opens a new one. */
export class WorkerSession {
  #id = "";
  /** How often another process has ended the session. */
  lostCount = 0;
  #idle = new Set<string>();
  #publishing: Promise<boolean> = Promise.resolve(false);
  #extendedAt = 0;
  #answeredAt = 0;
  #iterationAt = 0;
  #lastToken = 0;
  readonly #code: string;

  constructor(
    private readonly db: Queryable,
    private readonly settings: Settings,
    private readonly schedules: readonly StoredSchedule[],
    private readonly timeline?: Timeline,
  ) {
    this.#code = computeCodeDigest(settings.runnables);
  }

  get id(): string {
    return this.#id;
  }

  /**
   * Returns the token for the next claim. This process uses each number only once, even if PostgreSQL loses commits. All queues share
   * the counter, and it continues from one session to the next.
   */
  nextClaimToken(): number {
    this.#lastToken = (this.#lastToken % maxToken) + 1;
    return this.#lastToken;
  }

  async open(): Promise<void> {
    const { leaseMs, queues } = this.settings;
    const sentAt = performance.now();
    const schedules = Object.fromEntries(this.schedules.map(({ name, definition }) => [name, definition]));
    const { timeline } = this;
    const worker = { host: hostname(), pid: process.pid, version, code: this.#code, queues, schedules };
    this.#id = await openSession(this.db, { ...worker, leaseMs, timeline });
    // A new session has no idle queues. Each queue publishes again once it finds no jobs.
    this.#idle = new Set();
    this.#iterationAt = sentAt;
    this.#recordExtension(sentAt);
  }

  /** Returns the session's share of the worker's vitals. */
  vitals(): {
    leaseMs: number;
    leaseAgeMs: number;
    beatEveryMs: number;
    silentMs: number;
    msSinceLastIteration: number;
  } {
    const { leaseMs } = this.settings;
    const now = performance.now();
    return {
      leaseMs,
      leaseAgeMs: now - this.#extendedAt,
      beatEveryMs: leaseMs / beatsPerLease,
      silentMs: now - this.#answeredAt,
      msSinceLastIteration: now - this.#iterationAt,
    };
  }

  #recordExtension(sentAt: number): void {
    this.#extendedAt = sentAt;
    this.#answeredAt = performance.now();
  }

  /**
   * @param onLost receives the id of a session that another process has ended, before a new session is opened
   * @param onBeat called after each heartbeat
   */
  task(onLost: (id: string) => void, onBeat: () => Promise<void>): PeriodicTask {
    const { leaseMs } = this.settings;
    return {
      operation: "extending the lease",
      everyMs: leaseMs / beatsPerLease,
      run: async () => {
        const sentAt = performance.now();
        this.#iterationAt = sentAt;
        if (await beat(this.db, this.#id, leaseMs, this.timeline)) this.#recordExtension(sentAt);
        else {
          this.lostCount += 1;
          onLost(this.#id);
          await this.open();
        }
        await onBeat();
      },
    };
  }

  /** Publishes sequentially, since each statement writes all idle queues. @returns whether the value changed */
  setIdle(queue: string, idle: boolean): Promise<boolean> {
    const publish = async () => {
      if (this.#idle.has(queue) === idle) return false;
      const next = new Set(this.#idle);
      if (idle) next.add(queue);
      else next.delete(queue);
      const id = this.#id;
      await publishIdleQueues(this.db, id, [...next]);
      // If a new session was opened meanwhile, it has not published anything yet.
      if (id === this.#id) this.#idle = next;
      return true;
    };
    const result = this.#publishing.then(publish);
    this.#publishing = result.catch(() => false);
    return result;
  }

  /** Ends the session. Jobs that it still holds can be rescued at once. */
  end(): Promise<void> {
    return endSession(this.db, this.#id);
  }
}
