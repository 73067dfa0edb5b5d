import type { ClaimedJob } from "../jobs/claim.js";
import type { Outcome } from "../jobs/outcome.js";
import type { Histogram } from "../stats/histogram.js";
import { type AttemptEnd, endOfSettle, type WrittenEnd } from "./attempt-end.js";
import { ClaimBuffer } from "./claim-buffer.js";
import { type Claimed, type Claimer, longestBufferMs } from "./claimer.js";
import { fewCrashed } from "./crashed-jobs.js";
import { pause } from "./duties.js";
import { tellEnd } from "./events.js";
import type { Interruption } from "./interruption.js";
import { Run } from "./run.js";
import { Sleep } from "./sleep.js";
import type { Surroundings } from "./surroundings.js";
import { Throughput } from "./throughput.js";

/** As many as the engine has connections. */
const mostClaimsAtOnce = 4;
const releaseCrashedMs = 1_000;

/** Works one queue: claims as many jobs as it has room for, runs them, settles them. */
export class QueueWorker {
  readonly #runs = new Set<Run>();
  /** Jobs from their start, or from when they were given back, until that is settled. */
  readonly #unsettled = new Set<ClaimedJob>();
  #allSettled: () => void = () => {};
  readonly #throughput = new Throughput();
  readonly #buffer = new ClaimBuffer();
  /** Claims in a row that brought all they asked for: then there is more. */
  #fullClaims = 0;
  #stopping = false;
  /** Handlers that take no notice of their signal, and since when this worker goes on without them. */
  readonly #stubborn = new Map<Run, number>();
  #roundAt = performance.now();
  #loop: Promise<void> | undefined;
  /** Claims, beside the others, the jobs of claims that PostgreSQL refused. */
  #suspectsLoop: Promise<void> | undefined;
  readonly #sleep = new Sleep();
  /** How often the queue was paused: what is claimed meanwhile is not run. */
  #pauses = 0;

  constructor(
    readonly queue: string,
    private readonly concurrency: number,
    private readonly claimer: Claimer,
    private readonly around: Surroundings,
  ) {}

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
    for (const { job, workerId } of this.#buffer.take(() => true)) void this.#release(job, workerId, null);
  }

  /** The queue goes on, with what workers gave back as it was paused. */
  resume(): void {
    this.claimer.startAnew();
    this.wakeUp();
  }

  /** The jobs that wait for a slot or run. */
  held(): ClaimedJob[] {
    return [...[...this.#runs].map(({ job }) => job), ...this.#buffer.jobs()];
  }

  /** The jobs that this worker knows to be its own: those it holds, and those that are being settled. */
  known(): ClaimedJob[] {
    return [...this.#unsettled, ...this.#buffer.jobs()];
  }

  get running(): number {
    return this.#runs.size;
  }

  /** How many jobs its claims brought. */
  get claims(): Histogram {
    return this.claimer.sizes;
  }

  /** What this queue adds to the worker's health. */
  vitals(): { failingMs: number; stillMs: number; stubbornMs: number[] } {
    const now = performance.now();
    return {
      failingMs: this.claimer.unanswered.ms,
      stillMs: now - this.#roundAt,
      stubbornMs: [...this.#stubborn.values()].map((since) => now - since),
    };
  }

  /** Interrupts those of the jobs in hand that `which` picks; one that has not started is just not run. */
  interrupt(why: Interruption, which: (job: ClaimedJob, workerId: string) => boolean, graceMs?: number): void {
    for (const run of this.#runs) if (which(run.job, run.workerId)) run.interrupt(why, graceMs);
    const waiting = this.#buffer.take(({ job, workerId }) => which(job, workerId));
    // Giving back writes `cancelled` where that was requested; what was taken is not ours to give back.
    if (why === "taken") return;
    for (const { job, workerId } of waiting) void this.#release(job, workerId);
  }

  /** Claims no more, and gives back what has not started. Resolves when all that runs has ended and is settled. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#sleep.end();
    await Promise.all([this.#loop, this.#suspectsLoop]);
    for (const { job, workerId } of this.#buffer.take(() => true)) void this.#release(job, workerId);
    if (this.#unsettled.size > 0) await new Promise<void>((settled) => (this.#allSettled = settled));
  }

  async #claimUntilStopped(): Promise<void> {
    const { settings, setIdle } = this.around;
    while (!this.#stopping) {
      this.#roundAt = performance.now();
      const { wakeUps } = this.#sleep;
      this.#releaseStale();
      this.#startRuns();
      const room = this.#room();
      if (room > 0) {
        const wasFailing = this.claimer.unanswered.isFailing;
        if (this.claimer.hasSuspects()) this.#suspectsLoop ??= this.#claimSuspects();
        const full = await this.#claimForSlots(Math.min(settings.batchSize, room));
        this.#fullClaims = full ? this.#fullClaims + 1 : 0;
        if (this.#fullClaims > 1) await setIdle(this.queue, false);
        // Said before the last look, so that whoever enqueues after it rings.
        else if (!full && (await setIdle(this.queue, true))) continue;
        if (full) continue;
        // What was refused is left out of the next claim, which need not wait.
        if (this.claimer.unanswered.isFailing && !wasFailing && this.claimer.hasSuspects()) continue;
      }
      if (this.#sleep.wakeUps === wakeUps && !this.#stopping) {
        await this.#sleep.for(this.#buffer.length > 0 ? Math.min(settings.pollMs, longestBufferMs) : settings.pollMs);
      }
    }
  }

  /** How many more jobs to claim: for the free slots, and for as many more as are soon done. */
  #room(): number {
    const { batchSize } = this.around.settings;
    if (!this.around.settler.isKeepingUp || this.#buffer.isHeavy) return 0;
    if (this.#unsettled.size - this.#runs.size > 4 * batchSize) return 0;
    const free = this.concurrency - this.#runs.size;
    // Two claims' worth: while the jobs of one run, the next one is under way. Those of single jobs have no such worth.
    const ahead = batchSize === 1 ? 0 : Math.min(2 * batchSize, this.#throughput.perWindow());
    // A claim is worth its while when a slot is free, or the buffer half empty.
    if (free - this.#buffer.length <= 0 && this.#buffer.length > ahead / 2) return 0;
    return Math.max(0, free + ahead - this.#buffer.length);
  }

  /** One claim, or several at once where a backlog is to fill more free slots than one claim can. */
  async #claimForSlots(limit: number): Promise<boolean> {
    const free = this.concurrency - this.#runs.size - this.#buffer.length;
    const claims = this.#fullClaims > 0 ? Math.min(mostClaimsAtOnce, Math.max(1, Math.floor(free / limit))) : 1;
    const claim = () => this.#claim((workerId) => this.claimer.claim(workerId, limit));
    const full = await Promise.all(Array.from({ length: claims }, claim));
    return full.every(Boolean);
  }

  async #claimSuspects(): Promise<void> {
    while (!this.#stopping && this.claimer.hasSuspects()) await this.#claim((id) => this.claimer.claimSuspects(id));
    this.#suspectsLoop = undefined;
  }

  /** @returns whether it brought all it asked for */
  async #claim(ask: (workerId: string) => Promise<Claimed>): Promise<boolean> {
    const [workerId, pauses] = [this.around.workerId(), this.#pauses];
    let answer: Claimed;
    try {
      answer = await ask(workerId);
    } catch (error) {
      this.around.claimFailed(this.queue, error);
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
    if (workerId !== this.around.workerId()) return false;
    if (pauses !== this.#pauses) {
      for (const job of [...crashed, ...calm]) void this.#release(job, workerId, null);
      return false;
    }
    const held = (job: ClaimedJob) => ({ job, workerId, claimedAt });
    this.#buffer.add(crashed.map(held), calm.map(held));
    // During a backlog the next claim leaves first: PostgreSQL works on it while these run. The driver writes a turn later.
    if (full) setImmediate(() => setImmediate(() => this.#startRuns()));
    else this.#startRuns();
    return full;
  }

  /** Before any of the others runs: it might bring this process down, and these would have been in that crash, too. */
  async #giveBack(jobs: readonly ClaimedJob[], workerId: string): Promise<void> {
    if (jobs.length === 0) return;
    const done = new AbortController();
    const given = Promise.all(jobs.map((job) => this.#release(job, workerId, releaseCrashedMs)));
    // A row that somebody has locked is not waited for.
    await Promise.race([given, pause(releaseCrashedMs, done.signal)]);
    done.abort();
  }

  #startRuns(): void {
    while (!this.#stopping && this.#runs.size < this.concurrency && !this.around.settler.congested) {
      const next = this.#buffer.shift();
      if (!next) return;
      const { settings, heard, tell } = this.around;
      const { job } = next;
      const run = new Run(job, next.workerId, next.claimedAt, this.around);
      this.#runs.add(run);
      this.#unsettled.add(job);
      const runnable = settings.runnables.get(job.name);
      if (heard && runnable) tell({ type: "started", job });
      const ended = run.execute(runnable).then((end) => this.#ended(run, end));
      ended.catch((error: unknown) => tell({ type: "trouble", doing: `running ${job.name} #${job.id}`, error }));
    }
  }

  #ended(run: Run, end: AttemptEnd): void {
    const { job } = run;
    const now = performance.now();
    const runMs = now - run.startedAt;
    this.#runs.delete(run);
    if (run.stubborn) {
      this.#stubborn.set(run, now);
      void run.stubborn.finally(() => this.#stubborn.delete(run));
    }
    this.#throughput.count(now);
    this.#startRuns();
    this.#claimMore();
    if (end.kind === "unsettled") void this.#settle(job, run.workerId, end.outcome, runMs, end.logs);
    else this.#written(job, end, runMs);
  }

  /** It is not given the run, which would keep what the handler returned in memory beside its JSON. */
  async #settle(job: ClaimedJob, workerId: string, outcome: Outcome, runMs: number, logs?: string): Promise<void> {
    const { settler, settings } = this.around;
    const state = await settler.settle(workerId, { id: job.id, claimToken: job.claimToken, outcome, logs }, job.name);
    const end = endOfSettle(outcome, state);
    this.#written(job, end, runMs);
    // It is due again before the next poll: no need to wait for that.
    if (end.kind === "settled" && "delayMs" in outcome && outcome.delayMs !== null && outcome.delayMs < settings.pollMs)
      setTimeout(() => this.#sleep.end(), outcome.delayMs + 1).unref();
  }

  #written(job: ClaimedJob, end: WrittenEnd, runMs: number): void {
    this.#done(job);
    tellEnd(this.around.tell, job, end, runMs);
  }

  /** What waited too long behind long jobs may start earlier elsewhere. */
  #releaseStale(): void {
    const oldest = performance.now() - longestBufferMs;
    for (const { job, workerId } of this.#buffer.take(({ claimedAt }) => claimedAt < oldest))
      void this.#release(job, workerId);
  }

  async #release(job: ClaimedJob, workerId: string, delayMs: number | null = 0): Promise<void> {
    const { id, claimToken } = job;
    this.#unsettled.add(job);
    await this.around.settler.settle(workerId, { id, claimToken, outcome: { kind: "released", delayMs } });
    this.#done(job);
  }

  #done(job: ClaimedJob): void {
    this.#unsettled.delete(job);
    if (this.#unsettled.size === 0) this.#allSettled();
    this.#startRuns();
    this.#claimMore();
  }

  /** While there is a backlog, the next claim does not wait for a poll. */
  #claimMore(): void {
    if (this.#sleep.sleeping && this.#fullClaims > 0 && this.#room() > 0) this.#sleep.end();
  }
}
