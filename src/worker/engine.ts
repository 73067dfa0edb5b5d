import { checkTables } from "../database/check-tables.js";
import { statementTimeoutMs } from "../database/client.js";
import { type Listener, openListener } from "../database/listener.js";
import { TransactionSlots } from "../database/transaction-slots.js";
import { isReferenced } from "../jobs/delete-completed.js";
import { cancelChannel, wakeUpChannel } from "../jobs/doorbell.js";
import { hasOutstanding } from "../jobs/outstanding.js";
import { findLostClaims, findOwned } from "../jobs/ownership.js";
import { Claimer } from "./claimer.js";
import { connectionBudget } from "./connection-budget.js";
import { type Connections, onceThereIsRoom, openConnections } from "./connections.js";
import { type Duty, pause, perform } from "./duties.js";
import type { Tell } from "./events.js";
import { pruneDuties } from "./pruner.js";
import { QueueWorker } from "./queue-worker.js";
import { rescueDuties } from "./rescuer.js";
import type { Settings } from "./settings.js";
import { Settler } from "./settler.js";
import { WorkerSession } from "./worker-session.js";

/** After its signal was aborted by a shutdown, a handler has so long to end. */
const shutdownGraceMs = 500;
/** What cannot be settled by then, because the database is away, is left to be rescued. */
const longestLastSettleMs = 5_000;
/** With the listener's patience, less than 15 s from when a network falls silent to when it listens anew. */
const relistenMs = 4_000;

/** The moving parts of one worker. */
export class Engine {
  #connections!: Connections;
  #session!: WorkerSession;
  #settler!: Settler;
  #slots: TransactionSlots | undefined;
  #listener: Listener | undefined;
  #queues: QueueWorker[] = [];
  #endDuties: (() => Promise<void>) | undefined;
  #searchLostUntil = 0;

  constructor(
    private readonly settings: Settings,
    private readonly tell: Tell,
  ) {}

  /** @param stop ends the wait for PostgreSQL to have connections free */
  async start(stop: AbortSignal): Promise<void> {
    const { settings, tell } = this;
    const { route, engine, beats } = (this.#connections = await openConnections(settings, stop, tell));
    const { db } = engine;
    await onceThereIsRoom(() => checkTables(db), stop, tell);
    const deletesCompleted = settings.retentionMs.completed === 0 && route === "direct" && !(await isReferenced(db));
    this.#settler = new Settler(db, tell, deletesCompleted, route === "pooled");
    this.#session = new WorkerSession(beats.db, settings);
    await onceThereIsRoom(() => this.#session.open(), stop, tell);
    const { connection, database, leaseMs } = settings;
    this.#slots = new TransactionSlots(
      () => database.openSlot(connection, leaseMs),
      connectionBudget(settings).transactions,
    );
    const transactions = { slots: this.#slots, db, deletesCompleted, idleMs: leaseMs };
    this.#queues = Object.entries(settings.queues).map(
      ([queue, concurrency]) =>
        new QueueWorker(queue, concurrency, new Claimer(db, queue, settings), {
          settings,
          settler: this.#settler,
          transactions,
          tell,
          workerId: () => this.#session.id,
          setIdle: (name, idle) => this.#setIdle(name, idle),
          claimFailed: (name, error) => this.#claimFailed(name, error),
        }),
    );
    // Whoever cannot listen says nowhere that it waits: nobody rings in vain.
    if (route === "direct") this.#listener = this.#openListener();
    const duties: Duty[] = [
      this.#session.duty(
        (lost) => this.#sessionLost(lost),
        () => this.#afterBeat(),
      ),
      ...(this.#listener ? [listenDuty(this.#listener)] : []),
      ...rescueDuties(db, settings, (event) => {
        tell(event);
        for (const queue of this.#queues) queue.wakeUp();
      }),
      ...pruneDuties(db, settings),
    ];
    this.#endDuties = perform(duties, tell);
    for (const queue of this.#queues) queue.start();
  }

  async hasWork(waitMs: number): Promise<boolean> {
    if (this.#queues.some((queue) => queue.known().length > 0)) return true;
    try {
      return await hasOutstanding(this.#connections.engine.db, Object.keys(this.settings.queues), waitMs);
    } catch (error) {
      this.tell({ type: "trouble", doing: "looking for outstanding jobs", error });
      return true;
    }
  }

  /** Beats go on until the last job is settled. Nothing is waited for without end: PostgreSQL may be away. */
  async stop(timeoutMs: number): Promise<void> {
    await within(
      timeoutMs + shutdownGraceMs + longestLastSettleMs,
      Promise.all(this.#queues.map((queue) => queue.stop())),
    );
    this.#settler.abandon();
    const end = async () => {
      await this.#endDuties?.();
      await this.#session.end();
    };
    await within(longestLastSettleMs, end()).catch((error: unknown) => {
      this.tell({ type: "trouble", doing: "ending the session", error });
    });
    await this.close();
  }

  /** Interrupts what still runs. */
  giveBack(): void {
    for (const queue of this.#queues) queue.interrupt("shutdown", () => true, shutdownGraceMs);
  }

  async close(): Promise<void> {
    this.#slots?.close();
    await Promise.all([this.#listener?.close(), (this.#connections as Connections | undefined)?.close()]);
  }

  #openListener(): Listener {
    const wakeUp = (name?: string) => {
      for (const queue of this.#queues) if (name === undefined || queue.queue === name) queue.wakeUp();
    };
    const cancel = (id: string) => {
      if (id === this.#session.id) void this.#askOwnership();
    };
    return openListener(this.settings.connection, { [wakeUpChannel]: wakeUp, [cancelChannel]: cancel }, () => {
      wakeUp();
      void this.#askOwnership();
    });
  }

  #sessionLost(lost: string): void {
    for (const queue of this.#queues) queue.interrupt("lost", (_, workerId) => workerId === lost);
    this.tell({ type: "session lost" });
  }

  async #afterBeat(): Promise<void> {
    await this.#askOwnership();
    if (performance.now() < this.#searchLostUntil) await this.#releaseLostClaims();
  }

  /** Interrupts the jobs that were taken from this session, and those that should be cancelled. */
  async #askOwnership(): Promise<void> {
    const workerId = this.#session.id;
    // Only what was held before asking: a job that is claimed meanwhile would look lost.
    const asked = new Set(this.#queues.flatMap((queue) => queue.held()));
    try {
      const owned = await findOwned(
        this.#connections.beats.db,
        workerId,
        [...asked].map(({ id }) => id),
      );
      const byId = new Map(owned.map((one) => [one.id, one]));
      for (const queue of this.#queues) {
        queue.interrupt(
          "lost",
          (job, claimedBy) => asked.has(job) && claimedBy === workerId && byId.get(job.id)?.claims !== job.claims,
        );
        queue.interrupt("cancel", (job) => asked.has(job) && byId.get(job.id)?.cancelRequested === true);
      }
    } catch (error) {
      this.tell({ type: "trouble", doing: "asking which jobs are cancelled", error });
    }
  }

  /** A claim may have been made although its reply was lost: its jobs would stay with this session for ever. */
  #claimFailed(queue: string, error: unknown): void {
    this.#searchLostUntil = performance.now() + 2 * statementTimeoutMs + this.settings.leaseMs;
    this.tell({ type: "trouble", doing: `claiming from ${queue}`, error });
  }

  async #releaseLostClaims(): Promise<void> {
    const known = this.#queues.flatMap((queue) => queue.known()).map(({ id }) => id);
    const workerId = this.#session.id;
    const lost = await findLostClaims(this.#connections.beats.db, workerId, known, statementTimeoutMs);
    for (const claim of lost)
      void this.#settler.settle(workerId, { ...claim, outcome: { kind: "released", delayMs: 0 } });
  }

  async #setIdle(queue: string, idle: boolean): Promise<boolean> {
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

/** Resolves when the work is done, or when it has taken too long. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, pause(ms, done.signal)]).finally(() => done.abort());
}
