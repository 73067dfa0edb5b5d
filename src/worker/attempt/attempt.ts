import { SoniqError } from "../../core/errors.js";
import type { ClaimedJob } from "../../jobs/claim/claim.js";
import { asDirective, directiveKind } from "../../jobs/definition/directives.js";
import type { JobContext } from "../../jobs/definition/job-context.js";
import { unknownName } from "../../jobs/settle/outcome.js";
import { saveProgress } from "../../jobs/settle/save-progress.js";
import { check } from "../../jobs/definition/validate.js";
import { type AttemptEnd, concludeAttempt, type HandlerEnd, type TransactionEnd } from "./attempt-end.js";
import type { WorkerEventListener } from "../events/events.js";
import { handlerContext } from "./handler-context.js";
import { EventJob } from "../events/event-job.js";
import { gravity, type Interruption, reasons } from "./interruption.js";
import { JobLog } from "./job-log.js";
import { JobTransaction } from "./job-transaction.js";
import type { LogWriter } from "./log-writer.js";
import { MadeDirectives } from "./made-directives.js";
import { Progress } from "./progress.js";
import type { Runnable } from "../settings/runnables.js";
import type { TransactionDeps } from "./transaction-try.js";
import type { Turns } from "../timing/turns.js";

/** How much longer than its timeout an attempt may take whose settle is on its way, before that is asked again. */
const settlingMs = 1_000;

/** What bounds the attempts of a worker. */
interface AttemptLimits {
  /** How long a handler may take to end after its signal was aborted, before the worker goes on without it. */
  readonly timeoutGraceMs: number;
  /** How long a job of an unknown name is given back, before it is dead. */
  readonly unknownJobGraceMs: number;
  /** The same for one whose payload is refused, while other code works its queue. */
  readonly refusedGraceMs: number;
  readonly maxCrashes: number;
}

/** What an attempt needs of the worker. */
export interface AttemptDeps {
  readonly transactions: TransactionDeps;
  readonly logs: LogWriter;
  readonly limits: AttemptLimits;
  readonly turns: Turns;
  /** A number from 0 to 1, for the jitter of delays. */
  random(): number;
  readonly emit: WorkerEventListener;
}

/** One attempt at a claimed job. */
export class Attempt {
  readonly startedAt = performance.now();
  /** Made when it is first asked for: most handlers never do. */
  #abort: AbortController | undefined;
  #giveUp: () => void = () => {};
  #interruption: Interruption | undefined;
  #timeout: NodeJS.Timeout | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #transaction: JobTransaction | undefined;
  #log: JobLog | undefined;
  /** Made when there is some. */
  #progress: Progress | undefined;
  #handler: Promise<unknown> = Promise.resolve();
  #ignored = false;
  /** What the handler says from then on is not written any more. */
  #over = false;
  readonly #made = new MadeDirectives();

  constructor(
    readonly job: ClaimedJob,
    /** The session that claimed it. */
    readonly workerId: string,
    /** When the claim was answered, by `performance.now()`. */
    readonly claimedAt: number,
    private readonly deps: AttemptDeps,
  ) {}

  /** Runs the handler to its end, or until the grace after an interruption is over. Never rejects. */
  async execute(runnable: Runnable | undefined): Promise<AttemptEnd> {
    const { job, deps } = this;
    if (!runnable) {
      const outcome = unknownName(job, deps.limits.unknownJobGraceMs, deps.random());
      return { kind: "unsettled", outcome };
    }
    try {
      this.#timeOutIn(runnable.timeoutMs);
      const handler = await this.#callOrGiveUp(runnable);
      this.#over = true;
      clearTimeout(this.#timeout);
      clearTimeout(this.#graceTimer);
      this.#log?.end();
      if (this.#progress) await this.#progress.hold();
      // A handler that ended has waited for it. One that was given up on has not, and what it has come to by now counts.
      const transaction = this.#transaction && (await this.#transaction.endSoFar());
      // Many that end together have many results to write as JSON. Nothing is awaited between the turn and that.
      const turn = deps.turns.next();
      if (turn) await turn;
      const end = this.#conclude(runnable, handler, transaction);
      return this.#log && end.kind === "unsettled" ? { ...end, logs: this.#log.unwritten() } : end;
    } catch (error) {
      // Nothing is known that gets here; a job that stayed active for it would block its slot.
      return this.#conclude(runnable, { threw: error }, undefined);
    }
  }

  /** If the worker went on without the handler, which took no notice of its signal: resolves when that ends after all. */
  get unresponsive(): Promise<unknown> | undefined {
    return this.#ignored ? this.#handler : undefined;
  }

  get inTransaction(): boolean {
    return this.#transaction?.open ?? false;
  }

  /** Aborts the handler's signal, and gives up on it when the grace is over. */
  interrupt(why: Interruption, graceMs = this.deps.limits.timeoutGraceMs): void {
    // The settle that was sent says for certain whether the claim stands, and ends it; that may take longer than was left.
    if (this.#transaction?.settling) {
      if (why === "taken") return;
      if (why === "timeout") return this.#timeOutIn(settlingMs);
    }
    // Said with every beat, it must not begin the grace anew.
    if (this.#interruption === "taken") return;
    // Nothing is worse than a claim that has ended, then a crash, then a shutdown that is over.
    if (this.#interruption && gravity[why] < Math.max(1, gravity[this.#interruption])) return;
    this.#interruption = why;
    this.#abort ??= new AbortController();
    this.#abort.abort(new DOMException(reasons[why], why === "timeout" ? "TimeoutError" : "AbortError"));
    clearTimeout(this.#graceTimer);
    this.#graceTimer = setTimeout(() => this.#giveUp(), graceMs);
  }

  #callOrGiveUp(runnable: Runnable): Promise<HandlerEnd> {
    return new Promise((end) => {
      this.#giveUp = () => {
        this.#ignored = true;
        end({ threw: this.#signal.reason });
        this.#transaction?.abandon();
      };
      const handler = this.#call(runnable);
      this.#handler = handler;
      void handler.then(end, (threw: unknown) => end({ threw }));
    });
  }

  get #signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  async #call(runnable: Runnable): Promise<HandlerEnd> {
    const { definition, run } = runnable;
    let payload: unknown;
    try {
      const checking = check(definition.payload, JSON.parse(this.job.payload), "payload");
      const checked = checking instanceof Promise ? await checking : checking;
      if ("refused" in checked) return checked;
      payload = checked.value;
    } catch (threw) {
      // A validator that fails to answer, such as a look-up that cannot connect, has not refused.
      return { threw };
    }
    try {
      const returned = await run(payload, this.#context(runnable));
      // It decides, also if the handler did not wait for it or did not mind.
      const transaction = this.#transaction && (await this.#transaction.end());
      if (transaction && "error" in transaction && !asDirective(returned)) throw transaction.error;
      // One that the transaction's body returned was not forgotten.
      const unreturned = transaction?.kind === "rolled back" ? undefined : this.#made.unreturned(returned);
      if (unreturned) throw unreturned;
      return { returned };
    } catch (threw) {
      await this.#transaction?.end();
      return { threw };
    }
  }

  #timeOutIn(ms: number): void {
    this.#timeout = setTimeout(() => this.interrupt("timeout"), ms);
  }

  #conclude({ definition }: Runnable, handler: HandlerEnd, transaction: TransactionEnd | undefined): AttemptEnd {
    const { job, workerId } = this;
    const { limits, random } = this.deps;
    return concludeAttempt(
      { job, definition, workerId, limits, random: random() },
      { handler, transaction, interruption: this.#interruption, abortError: this.#abort?.signal.reason },
    );
  }

  #keptProgress(): Progress {
    const { job, workerId } = this;
    const { transactions, emit } = this.deps;
    if (!this.#progress) {
      this.#progress = new Progress(
        (json) => saveProgress(transactions.db, workerId, job, json),
        (error) => emit({ type: "error", operation: `saving the progress of ${job.name} #${job.id}`, error }),
      );
      // The first that the handler tells, in its transaction: goes with that.
      if (this.#transaction) void this.#progress.hold();
    }
    return this.#progress;
  }

  #context(runnable: Runnable): JobContext {
    return handlerContext(
      this.job,
      () => this.#signal,
      (write, options) => this.#runTransaction(runnable, write, options) as ReturnType<typeof write>,
      (message, fields) => this.#keptLog().add(message, fields),
      (value) => {
        if (!this.#over) this.#keptProgress().report(value);
      },
      (directive) => {
        if (!this.#over) return this.#made.add(directive);
        const error = new SoniqError(`job.${directiveKind(directive)}() came after the attempt had ended`);
        this.deps.emit({ type: "late-error", job: new EventJob(this.job), error });
        return directive;
      },
    );
  }

  #keptLog(): JobLog {
    if (!this.#log) {
      this.#log = new JobLog(this, this.deps.logs);
      if (this.#over) this.#log.end();
    }
    return this.#log;
  }

  #runTransaction(runnable: Runnable, ...[write, options]: Parameters<JobTransaction["run"]>): Promise<unknown> {
    const { job, workerId, deps } = this;
    if (this.#over) {
      const refused = Promise.reject(
        new SoniqError(
          `job ${job.name}: job.transaction was called after the attempt had ended: is an \`await\` missing in the handler?`,
        ),
      );
      // A handler that does not wait for it learns of nothing.
      refused.catch(() => {});
      return refused;
    }
    this.#transaction ??= new JobTransaction(
      {
        job,
        workerId,
        runnable,
        signal: this.#signal,
        made: this.#made,
        random: deps.random,
        unwrittenLogs: () => this.#log?.unwritten(),
        progress: () => this.#progress,
      },
      deps.transactions,
    );
    return this.#transaction.run(write, options);
  }
}
