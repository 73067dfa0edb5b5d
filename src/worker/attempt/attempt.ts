import { SoniqError } from "../../core/errors.js";
import type { ClaimedJob } from "../../jobs/claim/claim.js";
import { asDirective, directiveKind } from "../../jobs/definition/directives.js";
import type { JobContext } from "../../jobs/definition/job-context.js";
import { decideUnknownName } from "../../jobs/settle/outcome.js";
import { saveProgress } from "../../jobs/settle/save-progress.js";
import { tryValidate } from "../../jobs/definition/validate.js";
import { type AttemptEnd, concludeAttempt, type HandlerEnd, type TransactionEnd } from "./attempt-end.js";
import type { WorkerEventListener } from "../events/events.js";
import { createHandlerContext } from "./handler-context.js";
import { EventJob } from "../events/event-job.js";
import { severity, type Interruption, abortMessages } from "./interruption.js";
import { JobLog } from "./job-log.js";
import { JobTransaction } from "./job-transaction.js";
import type { LogWriter } from "./log-writer.js";
import { DirectiveTracker } from "./made-directives.js";
import { Progress } from "./progress.js";
import type { Runnable } from "../settings/runnables.js";
import type { TransactionDeps } from "./transaction-try.js";
import type { Turns } from "../timing/turns.js";

/** Extends the timeout of an attempt whose settle has already been sent. */
const settleExtensionMs = 1_000;

/** The limits of a worker's attempts. */
interface AttemptLimits {
  /** How long a handler may take to end after its signal was aborted. After that the worker gives up on it. */
  readonly timeoutGraceMs: number;
  /** How long jobs of an unknown name are released again, before they become dead. */
  readonly unknownJobGraceMs: number;
  /** How long jobs with an invalid payload are released again, while a worker with other code works their queue. */
  readonly refusedGraceMs: number;
  readonly maxCrashes: number;
}

/** The parts of a worker that an attempt uses. */
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
  /** Created on first use, since most handlers never read their signal. */
  #abort: AbortController | undefined;
  #giveUp: () => void = () => {};
  #interruption: Interruption | undefined;
  #timeout: NodeJS.Timeout | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #transaction: JobTransaction | undefined;
  #log: JobLog | undefined;
  /** Created when the handler first reports progress. */
  #progress: Progress | undefined;
  #handler: Promise<unknown> = Promise.resolve();
  #isAbandoned = false;
  /** Once it is set, log lines, progress and directives of the handler have no effect. */
  #hasEnded = false;
  readonly #directives = new DirectiveTracker();

  constructor(
    readonly job: ClaimedJob,
    /** The session that claimed it. */
    readonly workerId: string,
    /** When the claim was answered, by `performance.now()`. */
    readonly claimedAt: number,
    private readonly deps: AttemptDeps,
  ) {}

  /** Runs the handler until it ends, or until the grace period after an interruption is over. Never rejects. */
  async execute(runnable: Runnable | undefined): Promise<AttemptEnd> {
    const { job, deps } = this;
    if (!runnable) {
      const outcome = decideUnknownName(job, deps.limits.unknownJobGraceMs, deps.random());
      return { kind: "unsettled", outcome };
    }
    try {
      this.#startTimeout(runnable.timeoutMs);
      const handler = await this.#callOrGiveUp(runnable);
      this.#hasEnded = true;
      clearTimeout(this.#timeout);
      clearTimeout(this.#graceTimer);
      this.#log?.end();
      if (this.#progress) await this.#progress.stopWriting();
      // The transaction of a handler that ended has ended, too. For an abandoned handler, only an end that is already reached counts.
      const transaction = this.#transaction && (await this.#transaction.peekEnd());
      // Attempts that end together serialize many results at once. Nothing may be awaited between the turn and the serialization.
      const turn = deps.turns.waitForTurn();
      if (turn) await turn;
      const end = this.#conclude(runnable, handler, transaction);
      return this.#log && end.kind === "unsettled" ? { ...end, logs: this.#log.serializeUnwritten() } : end;
    } catch (error) {
      // No known error gets here. An unknown one must still end the attempt, or the job would stay active and block its slot.
      return this.#conclude(runnable, { threw: error }, undefined);
    }
  }

  /** Resolves when an abandoned handler, which ignored its signal, ends. Undefined unless the worker gave up on the handler. */
  get unresponsiveHandler(): Promise<unknown> | undefined {
    return this.#isAbandoned ? this.#handler : undefined;
  }

  get inTransaction(): boolean {
    return this.#transaction?.isOpen ?? false;
  }

  /** Aborts the handler's signal, and gives up on the handler after the grace period. */
  interrupt(interruption: Interruption, graceMs = this.deps.limits.timeoutGraceMs): void {
    // A settle that was already sent ends the claim, or finds that it has ended. Its answer decides, even after the timeout.
    if (this.#transaction?.isSettling) {
      if (interruption === "taken") return;
      if (interruption === "timeout") return this.#startTimeout(settleExtensionMs);
    }
    // Each heartbeat reports a taken job again. The repetition must not restart the grace period.
    if (this.#interruption === "taken") return;
    // A less severe interruption does not replace a more severe one. A shutdown or a crash may repeat, to set a new grace period.
    if (this.#interruption && severity[interruption] < Math.max(1, severity[this.#interruption])) return;
    this.#interruption = interruption;
    this.#abort ??= new AbortController();
    this.#abort.abort(
      new DOMException(abortMessages[interruption], interruption === "timeout" ? "TimeoutError" : "AbortError"),
    );
    clearTimeout(this.#graceTimer);
    this.#graceTimer = setTimeout(() => this.#giveUp(), graceMs);
  }

  #callOrGiveUp(runnable: Runnable): Promise<HandlerEnd> {
    return new Promise((end) => {
      this.#giveUp = () => {
        this.#isAbandoned = true;
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
      const result = tryValidate(definition.payload, JSON.parse(this.job.payload), "payload");
      const checked = result instanceof Promise ? await result : result;
      if ("refused" in checked) return checked;
      payload = checked.value;
    } catch (threw) {
      // A validator that throws, for example because its lookup cannot connect, has not rejected the payload.
      return { threw };
    }
    try {
      const returned = await run(payload, this.#context(runnable));
      // The transaction decides, even if the handler did not await it or caught its error.
      const transaction = this.#transaction && (await this.#transaction.waitForEnd());
      if (transaction && "error" in transaction && !asDirective(returned)) throw transaction.error;
      // The transaction's body may have returned the directive. Then it is not forgotten.
      const forgottenError =
        transaction?.kind === "rolled back" ? undefined : this.#directives.findUnreturned(returned);
      if (forgottenError) throw forgottenError;
      return { returned };
    } catch (threw) {
      await this.#transaction?.waitForEnd();
      return { threw };
    }
  }

  #startTimeout(ms: number): void {
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

  #ensureProgress(): Progress {
    const { job, workerId } = this;
    const { transactions, emit } = this.deps;
    if (!this.#progress) {
      this.#progress = new Progress(
        (json) => saveProgress(transactions.db, workerId, job, json),
        (error) => emit({ type: "error", operation: `saving the progress of ${job.name} #${job.id}`, error }),
      );
      // The handler is in its transaction, so that transaction writes the progress.
      if (this.#transaction) void this.#progress.stopWriting();
    }
    return this.#progress;
  }

  #context(runnable: Runnable): JobContext {
    return createHandlerContext(
      this.job,
      () => this.#signal,
      (write, options) => this.#runTransaction(runnable, write, options) as ReturnType<typeof write>,
      (message, fields) => this.#ensureLog().add(message, fields),
      (value) => {
        if (!this.#hasEnded) this.#ensureProgress().report(value);
      },
      (directive) => {
        if (!this.#hasEnded) return this.#directives.add(directive);
        const error = new SoniqError(`job.${directiveKind(directive)}() came after the attempt had ended`);
        this.deps.emit({ type: "late-error", job: new EventJob(this.job), error });
        return directive;
      },
    );
  }

  #ensureLog(): JobLog {
    if (!this.#log) {
      this.#log = new JobLog(this, this.deps.logs);
      if (this.#hasEnded) this.#log.end();
    }
    return this.#log;
  }

  #runTransaction(runnable: Runnable, ...[write, options]: Parameters<JobTransaction["run"]>): Promise<unknown> {
    const { job, workerId, deps } = this;
    if (this.#hasEnded) {
      const rejection = Promise.reject(
        new SoniqError(
          `job ${job.name}: job.transaction was called after the attempt had ended: is an \`await\` missing in the handler?`,
        ),
      );
      // Prevents an unhandled rejection if the handler does not await the transaction.
      rejection.catch(() => {});
      return rejection;
    }
    this.#transaction ??= new JobTransaction(
      {
        job,
        workerId,
        runnable,
        signal: this.#signal,
        directives: this.#directives,
        random: deps.random,
        unwrittenLogs: () => this.#log?.serializeUnwritten(),
        progress: () => this.#progress,
      },
      deps.transactions,
    );
    return this.#transaction.run(write, options);
  }
}
