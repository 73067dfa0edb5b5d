import type { ClaimedJob } from "../../jobs/claim/claim.js";
import type { Outcome } from "../../jobs/settle/outcome.js";
import { Attempt, type AttemptDeps } from "../attempt/attempt.js";
import { type AttemptEnd, concludeSettle, type WrittenEnd } from "../attempt/attempt-end.js";
import { type BufferedJob, ClaimBuffer } from "./claim-buffer.js";
import { emitEnd } from "../attempt/emit-end.js";
import { EventJob } from "../events/event-job.js";
import type { Interruption } from "../attempt/interruption.js";
import type { Runnable } from "../settings/runnables.js";
import type { Settings } from "../settings/settings.js";
import type { ClaimNext } from "../settle/pending-settlement.js";
import type { Settler } from "../settle/settler.js";
import { Throughput } from "./throughput.js";

/** The parts of a worker that the runner and its attempts use. */
export interface RunnerDeps extends AttemptDeps {
  readonly settings: Settings;
  readonly settler: Settler;
  /** Whether the worker has event listeners. Without listeners, the `started` events are not created. */
  readonly hasListeners: boolean;
}

/** Selects among the jobs that the worker holds. */
export type JobFilter = (job: ClaimedJob, workerId: string) => boolean;

/** Runs the claimed jobs of one queue, one per slot, and settles them. Jobs that find no free slot wait in its buffer. */
export class AttemptRunner {
  readonly #running = new Set<Attempt>();
  readonly #buffer = new ClaimBuffer();
  /** The jobs that have started or are being released, until their outcome is settled. */
  readonly #unsettled = new Set<ClaimedJob>();
  /** The attempts whose handlers ignored their signal, with the time when the worker gave up on them. */
  readonly #unresponsive = new Map<Attempt, number>();
  readonly #throughput = new Throughput();
  #isStopped = false;
  #onAllSettled: () => void = () => {};

  constructor(
    private readonly concurrency: number,
    private readonly deps: RunnerDeps,
    /** Called when an attempt ends or is settled, since there may be room for another claim then. */
    private readonly onRoom: () => void,
    /** Claims the next job in the statement that settles an ended one. */
    private readonly claimNext: ClaimNext,
    /** Called when a job of the queue becomes due again after `delayMs`. */
    private readonly onDueIn: (delayMs: number) => void,
  ) {}

  get running(): number {
    return this.#running.size;
  }

  /** How many jobs wait for a slot. */
  get waiting(): number {
    return this.#buffer.length;
  }

  /** Whether the payloads of the waiting jobs are so large in total that no more jobs should be claimed. */
  get isHeavy(): boolean {
    return this.#buffer.isHeavy;
  }

  /** How many jobs have ended but are not settled yet. */
  get settling(): number {
    return this.#unsettled.size - this.#running.size;
  }

  /** Counts the jobs that end within the time that a claimed job should wait in the buffer. */
  countEndsPerWindow(): number {
    return this.#throughput.countPerWindow();
  }

  /** Lists the jobs that run or wait for a slot. */
  listHeldJobs(): ClaimedJob[] {
    return [...[...this.#running].map(({ job }) => job), ...this.#buffer.jobs()];
  }

  /** Lists all jobs that belong to this worker: the jobs that run or wait for a slot, and the jobs that are being settled. */
  listOwnedJobs(): ClaimedJob[] {
    return [...this.#unsettled, ...this.#buffer.jobs()];
  }

  /** For each abandoned handler, how long ago the worker gave up on it. */
  unresponsiveMs(): number[] {
    const now = performance.now();
    return [...this.#unresponsive.values()].map((since) => now - since);
  }

  /** Adds claimed jobs to the buffer. @param urgent jobs that start before all waiting jobs */
  add(urgent: readonly BufferedJob[], rest: readonly BufferedJob[]): void {
    this.#buffer.add(urgent, rest);
  }

  /** Starts waiting jobs while slots are free. */
  start(): void {
    while (!this.#isStopped && this.#running.size < this.concurrency && !this.deps.settler.isCongested) {
      const next = this.#buffer.shift();
      if (!next) return;
      const { settings, hasListeners, emit } = this.deps;
      const { job } = next;
      const attempt = new Attempt(job, next.workerId, next.claimedAt, this.deps);
      this.#running.add(attempt);
      this.#unsettled.add(job);
      const runnable = settings.runnables.get(job.name);
      if (hasListeners && runnable) emit({ type: "started", job: new EventJob(job) });
      void this.#execute(attempt, runnable);
    }
  }

  async #execute(attempt: Attempt, runnable: Runnable | undefined): Promise<void> {
    try {
      this.#onAttemptEnd(attempt, await attempt.execute(runnable));
    } catch (error) {
      const { id, name } = attempt.job;
      this.deps.emit({ type: "error", operation: `running ${name} #${id}`, error });
    }
  }

  /** Starts no more jobs. */
  stopStarting(): void {
    this.#isStopped = true;
  }

  /** Interrupts the running jobs that `filter` selects. Waiting jobs that it selects never start. */
  interrupt(interruption: Interruption, filter: JobFilter, graceMs?: number): void {
    for (const attempt of this.#running)
      if (filter(attempt.job, attempt.workerId)) attempt.interrupt(interruption, graceMs);
    const waiting = this.#buffer.take(({ job, workerId }) => filter(job, workerId));
    // A release also writes `cancelled` if a cancellation was requested. Taken jobs are no longer ours to release.
    if (interruption === "taken") return;
    for (const { job, workerId } of waiting) void this.release(job, workerId);
  }

  /** Releases the waiting jobs. @param delayMs null: each job keeps its position in the queue */
  releaseWaiting(delayMs: number | null = 0): void {
    for (const { job, workerId } of this.#buffer.take(() => true)) void this.release(job, workerId, delayMs);
  }

  /** Releases the jobs that have waited too long. */
  releaseExpired(): void {
    for (const { job, workerId } of this.#buffer.takeExpired()) void this.release(job, workerId);
  }

  /** Releases a job that has not started. @param delayMs null: the job keeps its position in the queue */
  async release(job: ClaimedJob, workerId: string, delayMs: number | null = 0): Promise<void> {
    const { id, claimToken } = job;
    this.#unsettled.add(job);
    await this.deps.settler.settle(workerId, { id, claimToken, outcome: { kind: "released", delayMs } });
    this.#forget(job);
  }

  /** Resolves when all jobs have ended and are settled. */
  async waitUntilSettled(): Promise<void> {
    if (this.#unsettled.size > 0) await new Promise<void>((resolve) => (this.#onAllSettled = resolve));
  }

  #onAttemptEnd(attempt: Attempt, end: AttemptEnd): void {
    const { job } = attempt;
    const now = performance.now();
    const runMs = now - attempt.startedAt;
    this.#running.delete(attempt);
    if (attempt.unresponsiveHandler) {
      this.#unresponsive.set(attempt, now);
      void attempt.unresponsiveHandler.finally(() => this.#unresponsive.delete(attempt));
    }
    this.#throughput.recordEnd(now);
    this.start();
    // Before the claim loop wakes up, so that the claim of the free slot can share the settle's statement.
    if (end.kind === "unsettled") void this.#settle(job, attempt.workerId, end.outcome, runMs, end.logs);
    else this.#reportEnd(job, end, runMs);
    this.onRoom();
  }

  /** Does not receive the attempt, which would keep the handler's return value in memory beside its JSON. */
  async #settle(job: ClaimedJob, workerId: string, outcome: Outcome, runMs: number, logs?: string): Promise<void> {
    const { id, claimToken, name } = job;
    const state = await this.deps.settler.settle(workerId, { id, claimToken, outcome, logs }, name, this.claimNext);
    const end = concludeSettle(outcome, state);
    this.#reportEnd(job, end, runMs);
    if (end.kind === "settled" && "delayMs" in outcome && outcome.delayMs !== null) this.onDueIn(outcome.delayMs);
  }

  #reportEnd(job: ClaimedJob, end: WrittenEnd, runMs: number): void {
    this.#forget(job);
    emitEnd(this.deps.emit, job, end, runMs);
  }

  #forget(job: ClaimedJob): void {
    this.#unsettled.delete(job);
    if (this.#unsettled.size === 0) this.#onAllSettled();
    this.start();
    this.onRoom();
  }
}
