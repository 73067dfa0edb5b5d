import { checkTables } from "../database/check-tables.js";
import type { Listener } from "../database/listener.js";
import { cancelChannel, waitChannel, wakeUpChannel } from "../jobs/doorbell.js";
import { hasOutstanding } from "../jobs/outstanding.js";
import { rescueFromEnded } from "../jobs/rescue.js";
import { pauseChannel, resumeChannel } from "../queues/pause.js";
import type { StoredSchedule } from "../schedules/stored-schedule.js";
import { type Activity, activityOf, slotsOf } from "./activity.js";
import { checkRoom } from "./check-room.js";
import { Claimer } from "./claimer.js";
import { type Connections, onceThereIsRoom } from "./connections.js";
import { deliveryDuties, withDeliveries } from "./deliveries.js";
import { type Duty, perform, within } from "./duties.js";
import { JobEvents } from "./job-events.js";
import type { Tell } from "./events.js";
import { LogWriter } from "./log-writer.js";
import { pruneDuties } from "./pruner.js";
import { healthOf, type Vitals, watchHealth } from "./health.js";
import { OwnershipWatch } from "./ownership-watch.js";
import { QueueWorker } from "./queue-worker.js";
import { rescueDuties } from "./rescuer.js";
import { scheduleDuties, startSchedules } from "./scheduler.js";
import type { Settings } from "./settings.js";
import { Settler } from "./settler.js";
import { StatsWriter } from "./stats-writer.js";
import { silence } from "./tell-all.js";
import { Turns } from "./turns.js";
import { findUnkept } from "./unkept.js";
import { Waiters } from "./waiters.js";
import { WorkerSession } from "./worker-session.js";

/** After its signal was aborted by a shutdown, a handler has so long to end. */
const shutdownGraceMs = 500;
/** What cannot be settled by then, because the database is away, is left to be rescued. */
const longestLastSettleMs = 5_000;
/** With the listener's patience, less than 15 s from when a network falls silent to when it listens anew. */
const relistenMs = 4_000;
const largestRescue = 500;

/** The moving parts of one worker. */
export class Engine {
  readonly #session: WorkerSession;
  readonly #ownership: OwnershipWatch;
  readonly #waiters: Waiters;
  private readonly tell: Tell;
  /** Whether anybody listens: starts are told to nobody else. */
  readonly #hasListeners: boolean;
  /** Behind a pooler there is none. */
  readonly #listener: Listener | undefined;
  #settler: Settler | undefined;
  #stats: StatsWriter | undefined;
  #queues: QueueWorker[] = [];
  #endDuties: (() => Promise<void>) | undefined;
  #crashed = false;
  #listens = 0;

  constructor(
    private readonly settings: Settings,
    tell: Tell,
    private readonly connections: Connections,
    private readonly schedules: readonly StoredSchedule[],
  ) {
    this.#hasListeners = tell !== silence;
    this.#waiters = new Waiters(connections.engine.db, tell);
    this.tell = (event) => {
      tell(event);
      this.#waiters.hear(event);
      this.#stats?.hear(event);
    };
    this.#session = new WorkerSession(connections.beats.db, settings, schedules, connections.timeline);
    this.#ownership = new OwnershipWatch(connections.beats.db, settings.leaseMs, {
      workerId: () => this.#session.id,
      queues: () => this.#queues,
      settler: () => this.#settler,
      tell: this.tell,
    });
    this.#listener = this.#openListener();
  }

  /** @param stop ends the wait for PostgreSQL to have connections free */
  async start(stop: AbortSignal): Promise<void> {
    const { tell } = this;
    const { route, engine, transactions, bound, timed, endDeadSessions } = this.connections;
    const { db } = engine;
    const settings = withDeliveries(this.settings, db);
    const { timeoutGraceMs, unknownGraceMs, maxCrashes } = settings;
    await onceThereIsRoom(() => checkTables(db), stop, tell);
    const deleted = await findUnkept(this.settings, this.connections);
    const jobEvents = new JobEvents(db);
    const { settles } = jobEvents;
    const settler = new Settler(db, tell, deleted, route === "pooled", settings.batchSize, settles);
    this.#settler = settler;
    this.#stats = new StatsWriter(db, settings);
    const logs = new LogWriter(db, tell);
    const turns = new Turns(() => settler.congested);
    await onceThereIsRoom(() => this.#session.open(), stop, tell);
    await checkRoom(this.settings, this.connections, tell);
    // Before anything that may take longer than the lease.
    const endBeats = perform([this.#beats()], tell);
    await startSchedules(db, this.schedules, stop, tell).catch(async (error: unknown) => {
      await endBeats();
      throw error;
    });
    this.#queues = Object.entries(settings.queues).map(
      ([queue, concurrency]) =>
        new QueueWorker(queue, concurrency, this.#claimer(queue, settings), {
          settings,
          settler,
          transactions: { slots: transactions, db, deleted, settles, bound, timed },
          logs,
          limits: { timeoutGraceMs, unknownGraceMs, refusedGraceMs: unknownGraceMs, maxCrashes },
          turns,
          random: Math.random,
          tell,
          hasListeners: this.#hasListeners,
          workerId: () => this.#session.id,
          setIdle: (name, idle) => this.#setIdle(name, idle),
          claimFailed: (name, error) => this.#claimFailed(name, error),
        }),
    );
    const listen = this.#listener && listenDuty(this.#listener);
    const duties: Duty[] = [
      ...(listen ? [listen] : []),
      ...rescueDuties(db, endDeadSessions, settings, (event) => {
        tell(event);
        for (const queue of this.#queues) queue.wakeUp();
      }),
      ...pruneDuties(db, settings, tell),
      ...this.#stats.duties(),
      logs.duty(),
      ...scheduleDuties(db, this.schedules, settings, tell),
      ...deliveryDuties(db, settings, tell),
      jobEvents.duty,
      watchHealth(() => healthOf(this.vitals()), tell),
    ];
    // Before the first look at its health, before it says that it waits for work, and before the first settle.
    for (const { doing, run } of [...(listen ? [listen] : []), jobEvents.duty])
      await run(stop).catch((error: unknown) => tell({ type: "trouble", doing, error }));
    const endOthers = perform(duties, tell);
    this.#endDuties = async () => void (await Promise.all([endBeats(), endOthers()]));
    for (const queue of this.#queues) queue.start();
  }

  #beats(): Duty {
    return this.#session.duty(
      (ended) => this.#sessionLost(ended),
      () => this.#ownership.afterBeat(),
    );
  }

  #claimer(queue: string, settings: Settings): Claimer {
    const calm = () => this.#listener?.calm ?? false;
    return new Claimer(this.connections.engine.db, queue, settings, calm, this.tell, () =>
      this.#session.nextClaimToken(),
    );
  }

  async hasWork(waitMs: number): Promise<boolean> {
    if (this.#queues.some((queue) => queue.known().length > 0)) return true;
    const look = () => hasOutstanding(this.connections.engine.db, Object.keys(this.settings.queues), waitMs);
    try {
      // Twice: what a job enqueues after a look began, and before it sees, is due later than that look's time.
      return (await look()) || (await look());
    } catch (error) {
      this.tell({ type: "trouble", doing: "looking for outstanding jobs", error });
      return true;
    }
  }

  /** Beats go on until the last job is settled. Nothing is waited for without end: PostgreSQL may be away. */
  async stop(timeoutMs: number): Promise<void> {
    this.#settler?.leaveRefused();
    await within(
      timeoutMs + shutdownGraceMs + longestLastSettleMs,
      Promise.all(this.#queues.map((queue) => queue.stop())),
    );
    this.#settler?.abandon();
    const trouble = (doing: string) => (error: unknown) => this.tell({ type: "trouble", doing, error });
    const end = async () => {
      await this.#endDuties?.();
      await this.#session.end();
      if (this.#crashed) await this.#rescueOwn();
      await this.#stats?.write().catch(trouble("writing statistics"));
    };
    await within(longestLastSettleMs, end()).catch(trouble("ending the session"));
    await within(longestLastSettleMs, this.close());
  }

  /**
   * Interrupts what still runs. After a crash, what does not complete all the same is rescued at the stop's end, as from any
   * dead worker: which job brought it down nobody can tell, and that one must not do so for ever.
   */
  giveBack(why: "shutdown" | "crash"): void {
    if (why === "crash") this.#crashed = true;
    for (const queue of this.#queues) queue.interrupt(why, () => true, shutdownGraceMs);
  }

  async #rescueOwn(): Promise<void> {
    const refused = (id: number, error: unknown) => this.tell({ type: "trouble", doing: `rescuing job ${id}`, error });
    const { engine } = this.connections;
    const jobs = await rescueFromEnded(engine.db, this.settings.maxCrashes, { limit: largestRescue, refused });
    if (jobs.length > 0) this.tell({ type: "rescued", jobs });
  }

  vitals(): Vitals {
    const { stillMs, ...session } = this.#session.vitals();
    const { pollMs } = this.settings;
    const { timed } = this.connections;
    const queues = this.#queues.map((worker) => ({ queue: worker.queue, ...worker.vitals() }));
    return {
      ...session,
      // What waits for somebody's transaction neither fails nor is stuck.
      failingClaims: timed ? queues.map(({ queue, failingMs: forMs }) => ({ queue, forMs })) : [],
      unansweredSettlesMs: timed ? (this.#settler?.unanswered.ms ?? 0) : 0,
      loops: timed
        ? [
            { doing: "extending the lease", everyMs: session.beatEveryMs, stillMs },
            ...queues.map(({ queue, stillMs: still }) => ({
              doing: `claiming from ${queue}`,
              everyMs: pollMs,
              stillMs: still,
            })),
          ]
        : [],
      slots: slotsOf(this.settings),
      stubbornMs: queues.flatMap(({ stubbornMs }) => stubbornMs),
      // Behind a pooler there are none, which was said at start.
      listening: this.#listener?.listening ?? true,
    };
  }

  activity(): Activity {
    return activityOf(this.settings, {
      queues: this.#queues,
      attempts: this.#stats?.tally.all() ?? [],
      settles: this.#settler?.sizes,
      sessionsLost: this.#session.lost,
      relistens: Math.max(0, this.#listens - 1),
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#listener?.close(), this.connections.close()]);
  }

  #openListener(): Listener | undefined {
    const wakeUp = (name?: string) => {
      for (const queue of this.#queues) if (name === undefined || queue.queue === name) queue.wakeUp();
    };
    const cancel = (id: string) => {
      if (id === this.#session.id) void this.#ownership.compare();
    };
    const of = (name: string) => this.#queues.find(({ queue }) => queue === name);
    const hear = {
      [wakeUpChannel]: wakeUp,
      [cancelChannel]: cancel,
      [waitChannel]: (id: string) => this.#waiters.remember(Number(id)),
      [pauseChannel]: (name: string) => of(name)?.pause(),
      [resumeChannel]: (name: string) => of(name)?.resume(),
    };
    return this.connections.openListener(hear, () => {
      this.#listens += 1;
      // What was said in a gap was not heard: jobs may have gone back to places behind the marks.
      for (const queue of this.#queues) queue.resume();
      void this.#ownership.compare();
    });
  }

  #sessionLost(ended: string): void {
    for (const queue of this.#queues) {
      queue.interrupt("taken", (_, workerId) => workerId === ended);
      queue.resume();
    }
    this.tell({ type: "session lost" });
  }

  #claimFailed(queue: string, error: unknown): void {
    this.#ownership.claimFailed();
    this.tell({ type: "trouble", doing: `claiming from ${queue}`, error });
  }

  async #setIdle(queue: string, idle: boolean): Promise<boolean> {
    // Whoever cannot listen says nowhere that it waits: nobody rings in vain.
    if (!this.#listener) return false;
    try {
      return await this.#session.setIdle(queue, idle);
    } catch (error) {
      this.tell({ type: "trouble", doing: "saying which queues are idle", error });
      return false;
    }
  }
}

function listenDuty(listener: Listener): Duty {
  const doing = "listening for wake-ups: jobs are found by polling";
  return { doing, everyMs: relistenMs, run: () => listener.listen() };
}
