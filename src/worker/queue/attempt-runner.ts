import type { ClaimedJob } from "../../jobs/claim/claim.js";
import type { Outcome } from "../../jobs/settle/outcome.js";
import { Attempt, type AttemptDeps } from "../attempt/attempt.js";
import { type AttemptEnd, endOfSettle, type WrittenEnd } from "../attempt/attempt-end.js";
import { type BufferedJob, ClaimBuffer } from "./claim-buffer.js";
import { emitEnd } from "../attempt/emit-end.js";
import { EventJob } from "../events/event-job.js";
import type { Interruption } from "../attempt/interruption.js";
import type { Settings } from "../settings/settings.js";
import type { Settler } from "../settle/settler.js";
import { Throughput } from "./throughput.js";

/** What the running of attempts needs of the worker. */
export interface RunnerDeps extends AttemptDeps {
  readonly settings: Settings;
  readonly settler: Settler;
  /** Whether anybody listens to events: that of a start need not be made for nobody. */
  readonly hasListeners: boolean;
}

/** Picks among the jobs in hand. */
export type JobFilter = (job: ClaimedJob, workerId: string) => boolean;

/** Runs the claimed jobs of one queue, as many at once as it has slots, and settles them. The others wait in its buffer. */
export class AttemptRunner {
  readonly #running = new Set<Attempt>();
  readonly #buffer = new ClaimBuffer();
  /** Jobs from their start, or from when they were given back, until that is settled. */
  readonly #unsettled = new Set<ClaimedJob>();
  /** Handlers that take no notice of their signal, and since when this worker goes on without them. */
  readonly #stubborn = new Map<Attempt, number>();
  readonly #throughput = new Throughput();
  #startsNoMore = false;
  #allSettled: () => void = () => {};

  constructor(
    private readonly concurrency: number,
    private readonly deps: RunnerDeps,
    /** An attempt has ended, or is settled: there may be room for a claim. */
    private readonly onRoom: () => void,
    /** A job of the queue will be due again in so many milliseconds. */
    private readonly onDueIn: (delayMs: number) => void,
  ) {}

  get running(): number {
    return this.#running.size;
  }

  /** How many jobs wait for a slot. */
  get waiting(): number {
    return this.#buffer.length;
  }

  /** Whether the payloads of these are so large together that no more should be claimed. */
  get isHeavy(): boolean {
    return this.#buffer.isHeavy;
  }

  /** How many jobs have ended, and are being settled. */
  get settling(): number {
    return this.#unsettled.size - this.#running.size;
  }

  /** How many jobs end in the time that one should wait at the most. */
  endedPerWindow(): number {
    return this.#throughput.perWindow();
  }

  /** The jobs that wait for a slot or run. */
  held(): ClaimedJob[] {
    return [...[...this.#running].map(({ job }) => job), ...this.#buffer.jobs()];
  }

  /** The jobs that this worker knows to be its own: those it holds, and those that are being settled. */
  known(): ClaimedJob[] {
    return [...this.#unsettled, ...this.#buffer.jobs()];
  }

  /** For each handler that the worker went on without: for how long. */
  unresponsiveMs(): number[] {
    const now = performance.now();
    return [...this.#stubborn.values()].map((since) => now - since);
  }

  /** Takes claimed jobs into the buffer. @param urgent go before all that wait */
  add(urgent: readonly BufferedJob[], others: readonly BufferedJob[]): void {
    this.#buffer.add(urgent, others);
  }

  /** Starts the jobs that wait, while slots are free. */
  start(): void {
    while (!this.#startsNoMore && this.#running.size < this.concurrency && !this.deps.settler.congested) {
      const next = this.#buffer.shift();
      if (!next) return;
      const { settings, hasListeners, emit } = this.deps;
      const { job } = next;
      const attempt = new Attempt(job, next.workerId, next.claimedAt, this.deps);
      this.#running.add(attempt);
      this.#unsettled.add(job);
      const runnable = settings.runnables.get(job.name);
      if (hasListeners && runnable) emit({ type: "started", job: new EventJob(job) });
      const ended = attempt.execute(runnable).then((end) => this.#ended(attempt, end));
      ended.catch((error: unknown) => emit({ type: "error", operation: `running ${job.name} #${job.id}`, error }));
    }
  }

  /** Starts nothing any more. */
  startNoMore(): void {
    this.#startsNoMore = true;
  }

  /** Interrupts those of the jobs in hand that `which` picks; one that has not started is just not run. */
  interrupt(why: Interruption, which: JobFilter, graceMs?: number): void {
    for (const attempt of this.#running) if (which(attempt.job, attempt.workerId)) attempt.interrupt(why, graceMs);
    const waiting = this.#buffer.take(({ job, workerId }) => which(job, workerId));
    // Giving back writes `cancelled` where that was requested; what was taken is not ours to give back.
    if (why === "taken") return;
    for (const { job, workerId } of waiting) void this.release(job, workerId);
  }

  /** Gives back what waits. @param delayMs null: each job to its place */
  releaseWaiting(delayMs: number | null = 0): void {
    for (const { job, workerId } of this.#buffer.take(() => true)) void this.release(job, workerId, delayMs);
  }

  /** Gives back what has waited too long. */
  releaseExpired(): void {
    for (const { job, workerId } of this.#buffer.takeExpired()) void this.release(job, workerId);
  }

  /** Gives a job back that has not started. @param delayMs null: to its place */
  async release(job: ClaimedJob, workerId: string, delayMs: number | null = 0): Promise<void> {
    const { id, claimToken } = job;
    this.#unsettled.add(job);
    await this.deps.settler.settle(workerId, { id, claimToken, outcome: { kind: "released", delayMs } });
    this.#done(job);
  }

  /** Resolves when all that runs has ended and is settled. */
  async allSettled(): Promise<void> {
    if (this.#unsettled.size > 0) await new Promise<void>((settled) => (this.#allSettled = settled));
  }

  #ended(attempt: Attempt, end: AttemptEnd): void {
    const { job } = attempt;
    const now = performance.now();
    const runMs = now - attempt.startedAt;
    this.#running.delete(attempt);
    if (attempt.unresponsive) {
      this.#stubborn.set(attempt, now);
      void attempt.unresponsive.finally(() => this.#stubborn.delete(attempt));
    }
    this.#throughput.count(now);
    this.start();
    this.onRoom();
    if (end.kind === "unsettled") void this.#settle(job, attempt.workerId, end.outcome, runMs, end.logs);
    else this.#written(job, end, runMs);
  }

  /** It is not given the attempt, which would keep what the handler returned in memory beside its JSON. */
  async #settle(job: ClaimedJob, workerId: string, outcome: Outcome, runMs: number, logs?: string): Promise<void> {
    const { id, claimToken, name } = job;
    const state = await this.deps.settler.settle(workerId, { id, claimToken, outcome, logs }, name);
    const end = endOfSettle(outcome, state);
    this.#written(job, end, runMs);
    if (end.kind === "settled" && "delayMs" in outcome && outcome.delayMs !== null) this.onDueIn(outcome.delayMs);
  }

  #written(job: ClaimedJob, end: WrittenEnd, runMs: number): void {
    this.#done(job);
    emitEnd(this.deps.emit, job, end, runMs);
  }

  #done(job: ClaimedJob): void {
    this.#unsettled.delete(job);
    if (this.#unsettled.size === 0) this.#allSettled();
    this.start();
    this.onRoom();
  }
}
