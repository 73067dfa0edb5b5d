import type { Queryable } from "../../core/queryable.js";
import { ringIntervalMs } from "../../sessions/doorbell.js";
import { maxToldAtOnce, notifyFinished } from "../../sessions/notify-finished.js";
import { pause } from "../timing/periodic-tasks.js";
import type { WorkerEventListener, WorkerEvent } from "../events/events.js";

/** Who still waits rings again within this time. */
const rememberedMs = 30_000;
const maxRemembered = 10_000;

/**
 * Tells those who wait for the result of a job that this worker has finished it. They have rung before: of what nobody waits
 * for, nothing is told, since each NOTIFY takes a database-wide lock.
 */
export class Waiters {
  /** The jobs that somebody waits for, and until when that is believed; who rang last comes last. */
  readonly #waitedFor = new Map<number, number>();
  #finished: number[] = [];
  #telling = false;

  constructor(
    private readonly db: Queryable,
    private readonly emit: WorkerEventListener,
  ) {}

  /** Somebody waits for this job, which any worker may come to run. */
  remember(id: number): void {
    const now = performance.now();
    this.#waitedFor.delete(id);
    this.#waitedFor.set(id, now + rememberedMs);
    for (const [oldest, until] of this.#waitedFor) {
      if (until > now && this.#waitedFor.size <= maxRemembered) return;
      this.#waitedFor.delete(oldest);
    }
  }

  /** What the worker tells of itself. */
  hear(event: WorkerEvent): void {
    if (this.#waitedFor.size === 0) return;
    if (event.type === "rescued") for (const { id, state } of event.jobs) this.#left(id, state);
    else if ("state" in event) this.#left(event.job.id, event.state);
  }

  #left(id: number, state: string): void {
    if (state === "queued" || !this.#waitedFor.delete(id)) return;
    this.#finished.push(id);
    if (!this.#telling) void this.#tellAll();
  }

  async #tellAll(): Promise<void> {
    this.#telling = true;
    while (this.#finished.length > 0) {
      try {
        await notifyFinished(this.db, this.#finished.splice(0, maxToldAtOnce));
      } catch (error) {
        this.emit({ type: "error", operation: "telling who waits for results: they find them by polling", error });
      }
      await pause(ringIntervalMs, never);
    }
    this.#telling = false;
  }
}

const never = new AbortController().signal;
