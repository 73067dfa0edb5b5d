import { hasOutstanding } from "../jobs/read/has-outstanding.js";
import { rescueFromEnded } from "../jobs/upkeep/rescue.js";
import { type Activity, readActivity } from "./activity.js";
import type { Connections } from "./connections/connections.js";
import { awaitUpTo } from "./timing/periodic-tasks.js";
import type { WorkerEventListener } from "./events/events.js";
import type { Vitals } from "./health.js";
import type { Notifications } from "./notifications.js";
import type { QueueWorker } from "./queue/queue-worker.js";
import type { Settings } from "./settings/settings.js";
import type { Settler } from "./settle/settler.js";
import type { StatsWriter } from "./tasks/stats-writer.js";
import { readVitals } from "./vitals.js";
import type { WorkerSession } from "./session/worker-session.js";

/** How long a handler may take to end after a shutdown has aborted its signal. */
const shutdownGraceMs = 500;
/** The time limit for the final settles. If the database is down until then, the unsettled jobs are left to be rescued. */
const maxFinalSettleMs = 5_000;
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
  /** Ends the periodic tasks. Resolves when none of them is running any more. */
  readonly endTasks: () => Promise<void>;
}

/** A working worker, created by `openEngine`. */
export class Engine {
  #hasCrashed = false;

  constructor(private readonly parts: EngineParts) {}

  async hasWork(waitMs: number): Promise<boolean> {
    const { queues, connections, settings, emit } = this.parts;
    if (queues.some((queue) => queue.listOwnedJobs().length > 0)) return true;
    const check = () => hasOutstanding(connections.engine.db, Object.keys(settings.queues), waitMs);
    try {
      // The first check misses a job that a running job enqueues meanwhile, since it is due later than the check's `now()`.
      return (await check()) || (await check());
    } catch (error) {
      emit({ type: "error", operation: "checking for outstanding jobs", error });
      return true;
    }
  }

  /** Stops the worker. Heartbeats continue until the last job is settled. Every wait has a limit, since PostgreSQL may be down. */
  async stop(timeoutMs: number): Promise<void> {
    const { settler, queues, session, stats, connections, endTasks, emit } = this.parts;
    settler.abandonRefused();
    await awaitUpTo(timeoutMs + shutdownGraceMs + maxFinalSettleMs, Promise.all(queues.map((queue) => queue.stop())));
    settler.abandon();
    const reportError = (operation: string) => (error: unknown) => emit({ type: "error", operation, error });
    const end = async () => {
      await endTasks();
      await session.end();
      if (this.#hasCrashed) await this.#rescueOwn();
      await stats.write().catch(reportError("writing statistics"));
    };
    await awaitUpTo(maxFinalSettleMs, end()).catch(reportError("ending the session"));
    await awaitUpTo(maxFinalSettleMs, connections.close());
  }

  /**
   * Interrupts the running jobs. After a crash, the jobs that do not complete are rescued at the end of the stop, as from any dead
   * worker. Nobody can tell which of them caused the crash, and the one that did must not crash workers forever.
   */
  giveBack(interruption: "shutdown" | "crash"): void {
    if (interruption === "crash") this.#hasCrashed = true;
    for (const queue of this.parts.queues) queue.interrupt(interruption, () => true, shutdownGraceMs);
  }

  async #rescueOwn(): Promise<void> {
    const { connections, settings, emit } = this.parts;
    const reportRefusal = (id: number, error: unknown) =>
      emit({ type: "error", operation: `rescuing job ${id}`, error });
    const jobs = await rescueFromEnded(connections.engine.db, settings.maxCrashes, {
      limit: maxRescued,
      onRefused: reportRefusal,
    });
    if (jobs.length > 0) emit({ type: "rescued", jobs });
  }

  vitals(): Vitals {
    return readVitals(this.parts);
  }

  activity(): Activity {
    const { settings, queues, stats, settler, session, notifications } = this.parts;
    return readActivity(settings, {
      queues,
      attempts: stats.tally.listSeries(),
      settles: settler.batchSizes,
      sessionsLost: session.lostCount,
      relistens: notifications.relistens,
    });
  }
}
