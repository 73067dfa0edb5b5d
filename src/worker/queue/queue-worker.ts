import type { ClaimedJob } from "../../jobs/claim/claim.js";
import type { Histogram } from "../../stats/histogram.js";
import { AttemptRunner, type JobFilter, type RunnerDeps } from "./attempt-runner.js";
import { maxBufferMs } from "./claim-buffer.js";
import { ClaimPacer } from "./claim-pacer.js";
import type { ClaimResult, Claimer } from "./claimer.js";
import { pickCrashedJobs } from "./crashed-jobs.js";
import { pause } from "../timing/periodic-tasks.js";
import type { Interruption } from "../attempt/interruption.js";
import type { SendClaim } from "../settle/pending-settlement.js";
import { Sleep } from "../timing/sleep.js";

const releaseCrashedMs = 1_000;

/** The parts of a worker that its queue workers use. */
export interface QueueDeps extends RunnerDeps {
  /** Returns the id of the current session, for which jobs are claimed. */
  workerId(): string;
  /** Publishes whether this queue waits for work. Resolves once enqueuing processes can see it. @returns whether the value changed */
  setIdle(queue: string, idle: boolean): Promise<boolean>;
  /** Called when a claim fails. PostgreSQL may have executed it, so jobs may be claimed that this worker does not know of. */
  onClaimFailed(queue: string, error: unknown): void;
}

/** Works one queue: claims as many jobs as it has room for, and runs them. */
export class QueueWorker {
  readonly #runner: AttemptRunner;
  readonly #pacer: ClaimPacer;
  readonly #sleep = new Sleep();
  #stopping = false;
  #iterationAt = performance.now();
  #loop: Promise<void> | undefined;
  /** Runs beside the claim loop, and claims the jobs of claims that PostgreSQL refused. */
  #suspectsLoop: Promise<void> | undefined;
  /** The claims that share the statement of a settle. */
  readonly #sharedClaims = new Set<Promise<void>>();
  /** How often the queue was paused. Jobs of a claim during which this changed are not run. */
  #pauses = 0;

  constructor(
    readonly queue: string,
    private readonly concurrency: number,
    private readonly claimer: Claimer,
    private readonly deps: QueueDeps,
  ) {
    const { settings, settler } = deps;
    this.#runner = new AttemptRunner(
      concurrency,
      deps,
      () => this.#claimMore(),
      (workerId, send) => this.#claimNext(workerId, send),
      (delayMs) => this.#wakeUpIn(delayMs),
    );
    this.#pacer = new ClaimPacer(concurrency, settings.batchSize, this.#runner, settler);
  }

  start(): void {
    this.#loop ??= this.#claimUntilStopped();
  }

  /** Polls at once for new jobs, and a few more times for jobs that are enqueued shortly after. */
  wakeUp(): void {
    this.claimer.wakeUp();
    this.#sleep.wakeWithEchoes();
  }

  /**
   * Handles the pause of the queue: releases the jobs that have not started, which keep their positions in the queue. Claims find
   * nothing until the queue is resumed.
   */
  pause(): void {
    this.#pauses += 1;
    this.#runner.releaseWaiting(null);
  }

  /** Handles the resumption of the queue. The jobs that workers released at the pause lie behind the claim positions. */
  resume(): void {
    this.claimer.reset();
    this.wakeUp();
  }

  /** Lists the jobs that run or wait for a slot. */
  listHeldJobs(): ClaimedJob[] {
    return this.#runner.listHeldJobs();
  }

  /** Lists all jobs that belong to this worker: the jobs that run or wait for a slot, and the jobs that are being settled. */
  listOwnedJobs(): ClaimedJob[] {
    return this.#runner.listOwnedJobs();
  }

  get running(): number {
    return this.#runner.running;
  }

  /** How many jobs each claim returned. */
  get claims(): Histogram {
    return this.claimer.claimSizes;
  }

  /** Returns this queue's share of the worker's vitals. */
  vitals(): { failingMs: number; msSinceLastIteration: number; unresponsiveMs: number[] } {
    return {
      failingMs: this.claimer.outageTimer.elapsedMs,
      msSinceLastIteration: performance.now() - this.#iterationAt,
      unresponsiveMs: this.#runner.unresponsiveMs(),
    };
  }

  /** Interrupts the running jobs that `filter` selects. Waiting jobs that it selects never start. */
  interrupt(interruption: Interruption, filter: JobFilter, graceMs?: number): void {
    this.#runner.interrupt(interruption, filter, graceMs);
  }

  /** Stops claiming, and releases jobs that have not started. Resolves when all running jobs have ended and are settled. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#runner.stopStarting();
    this.#sleep.wake();
    await Promise.all([this.#loop, this.#suspectsLoop, ...this.#sharedClaims]);
    this.#runner.releaseWaiting();
    await this.#runner.waitUntilSettled();
  }

  async #claimUntilStopped(): Promise<void> {
    const { settings, setIdle } = this.deps;
    while (!this.#stopping) {
      this.#iterationAt = performance.now();
      const { wakeUps } = this.#sleep;
      this.#runner.releaseExpired();
      this.#runner.start();
      const room = this.#pacer.countRoom();
      if (room > 0) {
        const wasFailing = this.claimer.outageTimer.isFailing;
        if (this.claimer.hasSuspects()) this.#suspectsLoop ??= this.#claimSuspects();
        const isFull = await this.#claimForSlots(Math.min(settings.batchSize, room));
        this.#pacer.recordClaim(isFull);
        if (this.#pacer.hasSustainedBacklog) await setIdle(this.queue, false);
        // Publishes "idle" before the final poll. Otherwise a job enqueued between the two would send no NOTIFY.
        else if (!isFull && (await setIdle(this.queue, true))) continue;
        if (isFull) continue;
        // The next claim skips the refused jobs, so it need not wait.
        if (this.claimer.outageTimer.isFailing && !wasFailing && this.claimer.hasSuspects()) continue;
      }
      if (this.#sleep.wakeUps === wakeUps && !this.#stopping) {
        await this.#sleep.wait(
          this.#runner.waiting > 0 ? Math.min(settings.pollIntervalMs, maxBufferMs) : settings.pollIntervalMs,
        );
      }
    }
  }

  /** @returns whether all claims were full */
  async #claimForSlots(limit: number): Promise<boolean> {
    const claim = () => this.#claim((workerId) => this.claimer.claim(workerId, limit));
    const results = await Promise.all(Array.from({ length: this.#pacer.countParallelClaims(limit) }, claim));
    return results.every(Boolean);
  }

  /** Claims a job for the slot of a job that is about to be settled, if more jobs are due. */
  #claimNext(workerId: string, send: SendClaim): void {
    if (this.#stopping || workerId !== this.deps.workerId()) return;
    if (!this.#pacer.claimsWithSettle || this.claimer.hasSuspects()) return;
    const claim = this.#claimOne(send);
    this.#sharedClaims.add(claim);
    void claim.finally(() => this.#sharedClaims.delete(claim));
  }

  async #claimOne(send: SendClaim): Promise<void> {
    const isFull = await this.#pacer.expectJob(this.#claim((workerId) => this.claimer.claim(workerId, 1, send)));
    this.#pacer.recordClaim(isFull);
    this.#runner.start();
    if (!isFull) this.#sleep.wake();
  }

  async #claimSuspects(): Promise<void> {
    while (!this.#stopping && this.claimer.hasSuspects()) await this.#claim((id) => this.claimer.claimSuspects(id));
    this.#suspectsLoop = undefined;
  }

  /** @returns whether the claim was full */
  async #claim(send: (workerId: string) => Promise<ClaimResult>): Promise<boolean> {
    const [workerId, pauses] = [this.deps.workerId(), this.#pauses];
    let result: ClaimResult;
    try {
      result = await send(workerId);
    } catch (error) {
      this.deps.onClaimFailed(this.queue, error);
      return false;
    }
    const { jobs: claimedJobs, isFull } = result;
    const claimedAt = performance.now();
    // Jobs with crashes go first. If they waited behind other jobs, a crash of those jobs would count against them, too.
    const crashed = pickCrashedJobs(claimedJobs, this.listHeldJobs(), this.concurrency);
    const uncrashed = claimedJobs.filter(({ crashes }) => crashes === 0);
    const excess = claimedJobs.filter((job) => job.crashes > 0 && !crashed.includes(job));
    await this.#releaseCrashed(excess, workerId);
    // The session has ended meanwhile, so its claimed jobs are no longer ours to run.
    if (workerId !== this.deps.workerId()) return false;
    if (pauses !== this.#pauses) {
      for (const job of [...crashed, ...uncrashed]) void this.#runner.release(job, workerId, null);
      return false;
    }
    const toBufferedJob = (job: ClaimedJob) => ({ job, workerId, claimedAt });
    this.#runner.add(crashed.map(toBufferedJob), uncrashed.map(toBufferedJob));
    // During a backlog, the next claim is sent before these jobs start, so that PostgreSQL works on it while they run. The driver
    // writes it one turn of the event loop later.
    if (isFull) setImmediate(() => setImmediate(() => this.#runner.start()));
    else this.#runner.start();
    return isFull;
  }

  /** Releases jobs before any other job of the claim starts. If one of those crashed this process, these would count a crash, too. */
  async #releaseCrashed(jobs: readonly ClaimedJob[], workerId: string): Promise<void> {
    if (jobs.length === 0) return;
    const done = new AbortController();
    const releases = Promise.all(jobs.map((job) => this.#runner.release(job, workerId, releaseCrashedMs)));
    // A row that another transaction has locked must not hold up the queue.
    await Promise.race([releases, pause(releaseCrashedMs, done.signal)]);
    done.abort();
  }

  /** During a backlog, claims at once when there is room, without waiting for the next poll. */
  #claimMore(): void {
    if (this.#sleep.isSleeping && this.#pacer.hasBacklog && this.#pacer.countRoom() > 0) this.#sleep.wake();
  }

  /** Wakes the claim loop for a job that becomes due before the next poll. */
  #wakeUpIn(delayMs: number): void {
    if (delayMs < this.deps.settings.pollIntervalMs) setTimeout(() => this.#sleep.wake(), delayMs + 1).unref();
  }
}
