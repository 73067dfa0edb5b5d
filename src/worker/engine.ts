import { checkTables } from "../database/check-tables.js";
import { type Connection, connect, statementTimeoutMs } from "../database/connect.js";
import { TransactionSlots } from "../database/transaction-slots.js";
import { isReferenced } from "../jobs/delete-completed.js";
import { cancelChannel, wakeUpChannel } from "../jobs/doorbell.js";
import { hasOutstanding } from "../jobs/outstanding.js";
import { findLostClaims, findOwned } from "../jobs/ownership.js";
import { Claimer } from "./claimer.js";
import { type Duty, pause, perform } from "./duties.js";
import type { Tell } from "./events.js";
import { pruneDuties } from "./pruner.js";
import { QueueWorker } from "./queue-worker.js";
import { rescueDuties } from "./rescuer.js";
import type { Settings } from "./settings.js";
import { Settler } from "./settler.js";
import { beatsPerLease, WorkerSession } from "./worker-session.js";

/** What one worker process opens: statements of claims and settles, beats that wait for neither, and the listener. */
export const connectionBudget = { engine: 4, beats: 1, listener: 1 };

/** Each running job may have a transaction. */
function mostSlots({ queues }: Settings): number {
  return Object.values(queues).reduce((sum, concurrency) => sum + concurrency, 0);
}

/** After its signal was aborted by a shutdown, a handler has so long to end. */
const shutdownGraceMs = 500;
/** What cannot be settled by then, because the database is away, is left to be rescued. */
const longestLastSettleMs = 5_000;
const shortestPatienceMs = 5_000;
const relistenMs = 5_000;
const listening = "listening for wake-ups: jobs are found by polling";

/** The moving parts of one worker. */
export class Engine {
  readonly #connections: Connection[];
  readonly #session: WorkerSession;
  readonly #slots: TransactionSlots;
  #queues: QueueWorker[] = [];
  #settler: Settler | undefined;
  #endDuties: (() => Promise<void>) | undefined;
  #searchLostUntil = 0;
  #listening = false;

  constructor(
    private readonly settings: Settings,
    private readonly tell: Tell,
  ) {
    const { engine, beats, listener } = connectionBudget;
    // A beat that is not answered before the next one is due will not be.
    const beatPatienceMs = Math.max(shortestPatienceMs, settings.leaseMs / beatsPerLease);
    this.#connections = [
      connect(settings.connection, engine),
      connect(settings.connection, beats, beatPatienceMs),
      connect(settings.connection, listener),
    ];
    this.#session = new WorkerSession(this.#beats.db, settings);
    const { connection, database, leaseMs } = settings;
    this.#slots = new TransactionSlots(() => database.openSlot(connection, leaseMs), mostSlots(settings));
  }

  get #main(): Connection {
    return this.#connections[0] as Connection;
  }

  get #beats(): Connection {
    return this.#connections[1] as Connection;
  }

  get #listener(): Connection {
    return this.#connections[2] as Connection;
  }

  async start(): Promise<void> {
    const { db } = this.#main;
    const { settings, tell } = this;
    await checkTables(db);
    const deletesCompleted = settings.retentionMs.completed === 0 && !(await isReferenced(db));
    const settler = new Settler(db, tell, deletesCompleted);
    this.#settler = settler;
    const transactions = { slots: this.#slots, db, deletesCompleted, idleMs: settings.leaseMs };
    await this.#session.open();
    this.#queues = Object.entries(settings.queues).map(
      ([queue, concurrency]) =>
        new QueueWorker(queue, concurrency, new Claimer(db, queue, settings), {
          settings,
          settler,
          transactions,
          tell,
          workerId: () => this.#session.id,
          setIdle: (name, idle) => this.#setIdle(name, idle),
          claimFailed: (name, error) => this.#claimFailed(name, error),
        }),
    );
    const duties: Duty[] = [
      this.#session.duty(
        (lost) => this.#sessionLost(lost),
        () => this.#afterBeat(),
      ),
      { doing: listening, everyMs: relistenMs, run: () => this.#listen() },
      ...rescueDuties(db, settings, (event) => {
        tell(event);
        for (const queue of this.#queues) queue.wakeUp();
      }),
      ...pruneDuties(db, settings),
    ];
    await this.#listen().catch((error: unknown) => tell({ type: "trouble", doing: listening, error }));
    this.#endDuties = perform(duties, tell);
    for (const queue of this.#queues) queue.start();
  }

  async hasWork(waitMs: number): Promise<boolean> {
    if (this.#queues.some((queue) => queue.known().length > 0)) return true;
    try {
      return await hasOutstanding(this.#main.db, Object.keys(this.settings.queues), waitMs);
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
    this.#settler?.abandon();
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
    this.#slots.close();
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  /** Once done, the driver listens again by itself after each outage. */
  async #listen(): Promise<void> {
    if (this.#listening) return;
    const wakeUp = (name?: string) => {
      for (const queue of this.#queues) if (name === undefined || queue.queue === name) queue.wakeUp();
    };
    await this.#listener.listen(wakeUpChannel, wakeUp, () => wakeUp());
    const ask = () => void this.#askOwnership();
    await this.#listener.listen(cancelChannel, (id) => id === this.#session.id && ask(), ask);
    this.#listening = true;
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
        this.#beats.db,
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
    const lost = await findLostClaims(this.#beats.db, workerId, known, statementTimeoutMs);
    for (const claim of lost)
      void this.#settler?.settle(workerId, { ...claim, outcome: { kind: "released", delayMs: 0 } });
  }

  async #setIdle(queue: string, idle: boolean): Promise<boolean> {
    try {
      return await this.#session.setIdle(queue, idle);
    } catch (error) {
      this.tell({ type: "trouble", doing: "saying which queues are idle", error });
      return false;
    }
  }
}

/** Resolves when the work is done, or when it has taken too long. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, pause(ms, done.signal)]).finally(() => done.abort());
}
