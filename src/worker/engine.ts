import { hasOutstanding } from "../jobs/read/outstanding.js";
import { rescueFromEnded } from "../jobs/upkeep/rescue.js";
import { type Activity, activityOf } from "./activity.js";
import type { Connections } from "./connections/connections.js";
import { within } from "./timing/periodic-tasks.js";
import type { WorkerEventListener } from "./events/events.js";
import type { Vitals } from "./health.js";
import type { Notifications } from "./notifications.js";
import type { QueueWorker } from "./queue/queue-worker.js";
import type { Settings } from "./settings/settings.js";
import type { Settler } from "./settle/settler.js";
import type { StatsWriter } from "./tasks/stats-writer.js";
import { vitalsOf } from "./vitals.js";
import type { WorkerSession } from "./session/worker-session.js";

/** After its signal was aborted by a shutdown, a handler has so long to end. */
const shutdownGraceMs = 500;
/** What cannot be settled by then, because the database is away, is left to be rescued. */
const maxLastSettleMs = 5_000;
const maxRescued = 500;

/** The moving parts of one worker. */
interface EngineParts {
  readonly settings: Settings;
  readonly emit: WorkerEventListener;
  readonly connections: Connections;
  readonly session: WorkerSession;
  readonly settler: Settler;
  readonly stats: StatsWriter;
  readonly queues: readonly QueueWorker[];
  readonly notifications: Notifications;
  /** Ends all that is done every so often. Resolves when none of it is under way any more. */
  readonly endTasks: () => Promise<void>;
}

/** A worker at work, made by `openEngine`. */
export class Engine {
  #crashed = false;

  constructor(private readonly parts: EngineParts) {}

  async hasWork(waitMs: number): Promise<boolean> {
    const { queues, connections, settings, emit } = this.parts;
    if (queues.some((queue) => queue.known().length > 0)) return true;
    const look = () => hasOutstanding(connections.engine.db, Object.keys(settings.queues), waitMs);
    try {
      // Twice: what a job enqueues after a look began, and before it sees, is due later than that look's time.
      return (await look()) || (await look());
    } catch (error) {
      emit({ type: "error", operation: "looking for outstanding jobs", error });
      return true;
    }
  }

  /** Beats go on until the last job is settled. Nothing is waited for without end: PostgreSQL may be away. */
  async stop(timeoutMs: number): Promise<void> {
    const { settler, queues, session, stats, connections, endTasks, emit } = this.parts;
    settler.leaveRefused();
    await within(timeoutMs + shutdownGraceMs + maxLastSettleMs, Promise.all(queues.map((queue) => queue.stop())));
    settler.abandon();
    const trouble = (operation: string) => (error: unknown) => emit({ type: "error", operation, error });
    const end = async () => {
      await endTasks();
      await session.end();
      if (this.#crashed) await this.#rescueOwn();
      await stats.write().catch(trouble("writing statistics"));
    };
    await within(maxLastSettleMs, end()).catch(trouble("ending the session"));
    await within(maxLastSettleMs, connections.close());
  }

  /**
   * Interrupts what still runs. After a crash, what does not complete all the same is rescued at the stop's end, as from any
   * dead worker: which job brought it down nobody can tell, and that one must not do so for ever.
   */
  giveBack(why: "shutdown" | "crash"): void {
    if (why === "crash") this.#crashed = true;
    for (const queue of this.parts.queues) queue.interrupt(why, () => true, shutdownGraceMs);
  }

  async #rescueOwn(): Promise<void> {
    const { connections, settings, emit } = this.parts;
    const refused = (id: number, error: unknown) => emit({ type: "error", operation: `rescuing job ${id}`, error });
    const jobs = await rescueFromEnded(connections.engine.db, settings.maxCrashes, { limit: maxRescued, refused });
    if (jobs.length > 0) emit({ type: "rescued", jobs });
  }

  vitals(): Vitals {
    return vitalsOf(this.parts);
  }

  activity(): Activity {
    const { settings, queues, stats, settler, session, notifications } = this.parts;
    return activityOf(settings, {
      queues,
      attempts: stats.tally.all(),
      settles: settler.sizes,
      sessionsLost: session.lost,
      relistens: notifications.relistens,
    });
  }
}
