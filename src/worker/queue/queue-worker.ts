import type { ClaimedJob } from "../../jobs/claim/claim.js";
import type { Histogram } from "../../stats/histogram.js";
import { AttemptRunner, type JobFilter, type RunnerDeps } from "./attempt-runner.js";
import { maxBufferMs } from "./claim-buffer.js";
import { ClaimPacer } from "./claim-pacer.js";
import type { Claimed, Claimer } from "./claimer.js";
import { fewCrashed } from "./crashed-jobs.js";
import { pause } from "../timing/periodic-tasks.js";
import type { Interruption } from "../attempt/interruption.js";
import { Sleep } from "../timing/sleep.js";

const releaseCrashedMs = 1_000;

/** What a queue worker needs of the worker it belongs to. */
export interface QueueDeps extends RunnerDeps {
  /** The session to claim for. */
  workerId(): string;
  /** Says whether this queue waits for work. @returns whether that is news, once those who enqueue can know it */
  setIdle(queue: string, idle: boolean): Promise<boolean>;
  /** Jobs may have been claimed without this worker knowing. */
  claimFailed(queue: string, error: unknown): void;
}

/** Works one queue: claims as many jobs as it has room for, and has them run. */
export class QueueWorker {
  readonly #runner: AttemptRunner;
  readonly #pacer: ClaimPacer;
  readonly #sleep = new Sleep();
  #stopping = false;
  #roundAt = performance.now();
  #loop: Promise<void> | undefined;
  /** Claims, beside the others, the jobs of claims that PostgreSQL refused. */
  #suspectsLoop: Promise<void> | undefined;
  /** How often the queue was paused: what is claimed meanwhile is not run. */
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
      (delayMs) => this.#dueIn(delayMs),
    );
    this.#pacer = new ClaimPacer(concurrency, settings.batchSize, this.#runner, settler);
  }

  start(): void {
    this.#loop ??= this.#claimUntilStopped();
  }

  /** There may be work: looks now, and a few times more for what came just after. */
  wakeUp(): void {
    this.claimer.wakeUp();
    this.#sleep.endWithEchoes();
  }

  /** The queue was paused: gives back what has not started, each job to its place. Claims find nothing until it goes on. */
  pause(): void {
    this.#pauses += 1;
    this.#runner.releaseWaiting(null);
  }

  /** The queue goes on, with what workers gave back as it was paused. */
  resume(): void {
    this.claimer.reset();
    this.wakeUp();
  }

  /** The jobs that wait for a slot or run. */
  held(): ClaimedJob[] {
    return this.#runner.held();
  }

  /** The jobs that this worker knows to be its own: those it holds, and those that are being settled. */
  known(): ClaimedJob[] {
    return this.#runner.known();
  }

  get running(): number {
    return this.#runner.running;
  }

  /** How many jobs its claims brought. */
  get claims(): Histogram {
    return this.claimer.sizes;
  }

  /** What this queue adds to the worker's health. */
  vitals(): { failingMs: number; msSinceLastRound: number; unresponsiveMs: number[] } {
    return {
      failingMs: this.claimer.unanswered.ms,
      msSinceLastRound: performance.now() - this.#roundAt,
      unresponsiveMs: this.#runner.unresponsiveMs(),
    };
  }

  /** Interrupts those of the jobs in hand that `which` picks; one that has not started is just not run. */
  interrupt(why: Interruption, which: JobFilter, graceMs?: number): void {
    this.#runner.interrupt(why, which, graceMs);
  }

  /** Claims no more, and gives back what has not started. Resolves when all that runs has ended and is settled. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#runner.startNoMore();
    this.#sleep.end();
    await Promise.all([this.#loop, this.#suspectsLoop]);
    this.#runner.releaseWaiting();
    await this.#runner.allSettled();
  }

  async #claimUntilStopped(): Promise<void> {
    const { settings, setIdle } = this.deps;
    while (!this.#stopping) {
      this.#roundAt = performance.now();
      const { wakeUps } = this.#sleep;
      this.#runner.releaseExpired();
      this.#runner.start();
      const room = this.#pacer.room();
      if (room > 0) {
        const wasFailing = this.claimer.unanswered.isFailing;
        if (this.claimer.hasSuspects()) this.#suspectsLoop ??= this.#claimSuspects();
        const full = await this.#claimForSlots(Math.min(settings.batchSize, room));
        this.#pacer.answered(full);
        if (this.#pacer.hasLongBacklog) await setIdle(this.queue, false);
        // Said before the last look, so that whoever enqueues after it rings.
        else if (!full && (await setIdle(this.queue, true))) continue;
        if (full) continue;
        // What was refused is left out of the next claim, which need not wait.
        if (this.claimer.unanswered.isFailing && !wasFailing && this.claimer.hasSuspects()) continue;
      }
      if (this.#sleep.wakeUps === wakeUps && !this.#stopping) {
        await this.#sleep.for(
          this.#runner.waiting > 0 ? Math.min(settings.pollIntervalMs, maxBufferMs) : settings.pollIntervalMs,
        );
      }
    }
  }

  /** @returns whether each claim brought all it asked for */
  async #claimForSlots(limit: number): Promise<boolean> {
    const claim = () => this.#claim((workerId) => this.claimer.claim(workerId, limit));
    const full = await Promise.all(Array.from({ length: this.#pacer.claimsAtOnce(limit) }, claim));
    return full.every(Boolean);
  }

  async #claimSuspects(): Promise<void> {
    while (!this.#stopping && this.claimer.hasSuspects()) await this.#claim((id) => this.claimer.claimSuspects(id));
    this.#suspectsLoop = undefined;
  }

  /** @returns whether it brought all it asked for */
  async #claim(ask: (workerId: string) => Promise<Claimed>): Promise<boolean> {
    const [workerId, pauses] = [this.deps.workerId(), this.#pauses];
    let answer: Claimed;
    try {
      answer = await ask(workerId);
    } catch (error) {
      this.deps.claimFailed(this.queue, error);
      return false;
    }
    const { jobs: claimed, isFull: full } = answer;
    const claimedAt = performance.now();
    // Jobs that were in a crash go first and do not wait behind others, in whose crash they could take part.
    const crashed = fewCrashed(claimed, this.held(), this.concurrency);
    const calm = claimed.filter(({ crashes }) => crashes === 0);
    const back = claimed.filter((job) => job.crashes > 0 && !crashed.includes(job));
    await this.#giveBack(back, workerId);
    // The session has ended meanwhile: what it claimed last is not ours to run.
    if (workerId !== this.deps.workerId()) return false;
    if (pauses !== this.#pauses) {
      for (const job of [...crashed, ...calm]) void this.#runner.release(job, workerId, null);
      return false;
    }
    const toBuffered = (job: ClaimedJob) => ({ job, workerId, claimedAt });
    this.#runner.add(crashed.map(toBuffered), calm.map(toBuffered));
    // During a backlog the next claim leaves first: PostgreSQL works on it while these run. The driver writes a turn later.
    if (full) setImmediate(() => setImmediate(() => this.#runner.start()));
    else this.#runner.start();
    return full;
  }

  /** Before any of the others runs: it might bring this process down, and these would have been in that crash, too. */
  async #giveBack(jobs: readonly ClaimedJob[], workerId: string): Promise<void> {
    if (jobs.length === 0) return;
    const done = new AbortController();
    const given = Promise.all(jobs.map((job) => this.#runner.release(job, workerId, releaseCrashedMs)));
    // A row that somebody has locked is not waited for.
    await Promise.race([given, pause(releaseCrashedMs, done.signal)]);
    done.abort();
  }

  /** While there is a backlog, the next claim does not wait for a poll. */
  #claimMore(): void {
    if (this.#sleep.sleeping && this.#pacer.hasBacklog && this.#pacer.room() > 0) this.#sleep.end();
  }

  /** What is due before the next poll need not wait for that. */
  #dueIn(delayMs: number): void {
    if (delayMs < this.deps.settings.pollIntervalMs) setTimeout(() => this.#sleep.end(), delayMs + 1).unref();
  }
}
