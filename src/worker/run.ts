import { type InvalidValueError, SoniqError } from "../core/errors.js";
import type { ClaimedJob } from "../jobs/claim.js";
import type { JobDefinition } from "../jobs/define-job.js";
import { asDirective, directiveKind } from "../jobs/directives.js";
import type { JobContext } from "../jobs/job-context.js";
import { decide, type Ending, lostTransaction, type Outcome, refusedPayload, unknownName } from "../jobs/outcome.js";
import { saveProgress } from "../jobs/save-progress.js";
import { check } from "../jobs/validate.js";
import { handlerContext } from "./handler-context.js";
import { gravity, type Interruption, reasons } from "./interruption.js";
import { JobLog } from "./job-log.js";
import { JobTransaction } from "./job-transaction.js";
import { lateDirective, MadeDirectives } from "./made-directives.js";
import { Progress } from "./progress.js";
import type { RunEnd } from "./run-end.js";
import type { Runnable } from "./settings.js";
import type { Surroundings } from "./surroundings.js";

/** How much longer than its timeout an attempt may take whose settle is on its way, before that is asked again. */
const settlingMs = 1_000;

/** One attempt at a claimed job. */
export class Run {
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
    private readonly around: Pick<Surroundings, "transactions" | "logs" | "random" | "tell" | "limits" | "turns">,
  ) {}

  /** Runs the handler to its end, or until the grace after an interruption is over. Never rejects. */
  async execute(runnable: Runnable | undefined): Promise<RunEnd> {
    const { job, around } = this;
    if (!runnable) {
      const outcome = unknownName(job, around.limits.unknownGraceMs, around.random());
      return { kind: "to settle", outcome };
    }
    try {
      this.#timeOutIn(runnable.timeoutMs);
      const ending = await this.#callOrGiveUp(runnable);
      this.#over = true;
      clearTimeout(this.#timeout);
      clearTimeout(this.#graceTimer);
      this.#log?.end();
      if (this.#progress) await this.#progress.hold();
      // Many that end together have many results to write as JSON. Nothing is awaited between the turn and that.
      const turn = around.turns.next();
      if (turn) await turn;
      const end = this.#end(runnable, ending);
      return this.#log && end.kind === "to settle" ? { ...end, logs: this.#log.unwritten() } : end;
    } catch (error) {
      // Nothing is known that gets here; a job that stayed active for it would block its slot.
      return { kind: "to settle", outcome: this.#decide(runnable.definition, { threw: error }) };
    }
  }

  /** If the worker went on without the handler, which took no notice of its signal: resolves when that ends after all. */
  get stubborn(): Promise<unknown> | undefined {
    return this.#ignored ? this.#handler : undefined;
  }

  get inTransaction(): boolean {
    return this.#transaction?.open ?? false;
  }

  /** Aborts the handler's signal, and gives up on it when the grace is over. */
  interrupt(why: Interruption, graceMs = this.around.limits.timeoutGraceMs): void {
    // The settle that was sent tells for certain, and ends the claim if it is not lost; that may take longer than was left.
    if (this.#transaction?.settling) {
      if (why === "lost") return;
      if (why === "timeout") return this.#timeOutIn(settlingMs);
    }
    // Said with every beat, it must not begin the grace anew.
    if (this.#interruption === "lost") return;
    // Nothing is worse than a lost claim, then a crash, then a shutdown that is over.
    if (this.#interruption && gravity[why] < Math.max(1, gravity[this.#interruption])) return;
    this.#interruption = why;
    this.#abort ??= new AbortController();
    this.#abort.abort(new DOMException(reasons[why], why === "timeout" ? "TimeoutError" : "AbortError"));
    clearTimeout(this.#graceTimer);
    this.#graceTimer = setTimeout(() => this.#giveUp(), graceMs);
  }

  #callOrGiveUp(runnable: Runnable): Promise<RunEnding> {
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

  async #call(runnable: Runnable): Promise<RunEnding> {
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
      if (this.#transaction) {
        await this.#transaction.result().catch((error: unknown) => {
          if (!asDirective(returned)) throw error;
        });
      }
      // One that the transaction's body returned was not forgotten.
      const unreturned = this.#transaction?.end?.kind === "returned" ? undefined : this.#made.unreturned(returned);
      if (unreturned) throw unreturned;
      return { returned };
    } catch (threw) {
      await this.#transaction?.result().catch(() => {});
      return { threw };
    }
  }

  #timeOutIn(ms: number): void {
    this.#timeout = setTimeout(() => this.interrupt("timeout"), ms);
  }

  #end(runnable: Runnable, ending: RunEnding): RunEnd {
    const end = this.#transaction?.end;
    switch (end?.kind) {
      case "committed": {
        const late = "threw" in ending ? ending.threw : lateDirective(this.job, ending);
        return { ...end, kind: "settled", ...(late !== undefined && { late }) };
      }
      case "fenced":
        return end;
      case "lost":
        if ("threw" in ending && (!this.#interruption || this.#interruption === "timeout"))
          return { kind: "to settle", outcome: this.#lostTransaction(ending.threw, end.began) };
        break;
      case "returned":
        if ("returned" in ending) return this.#outcome(runnable, end);
        break;
      case undefined:
        break;
      default:
        return end satisfies never;
    }
    return this.#outcome(runnable, ending);
  }

  #lostTransaction(thrown: unknown, began: boolean): Outcome {
    const { limits, random } = this.around;
    // One that never began cannot have broken its connection.
    const maxCrashes = began ? limits.maxCrashes : undefined;
    return lostTransaction(this.job, thrown, this.workerId, maxCrashes, random());
  }

  #outcome({ definition }: Runnable, ending: RunEnding): RunEnd {
    if ("refused" in ending) {
      const { limits, random } = this.around;
      const { refused } = ending;
      const outcome = refusedPayload(this.job, refused, this.workerId, limits.refusedGraceMs, random());
      return { kind: "to settle", outcome };
    }
    const interruption = this.#interruption;
    if (interruption === "lost") return { kind: "lost" };
    if (interruption === "crash" && "threw" in ending) return { kind: "lost" };
    // A handler that ends well all the same has done its work.
    const cutShort =
      interruption && interruption !== "crash" && "threw" in ending
        ? this.#interrupted(definition, interruption)
        : undefined;
    return { kind: "to settle", outcome: cutShort ?? this.#decide(definition, ending) };
  }

  #interrupted(definition: JobDefinition, why: Exclude<Interruption, "lost" | "crash">): Outcome {
    switch (why) {
      case "shutdown":
        return { kind: "released", delayMs: 0, ran: true };
      case "cancel":
        return { kind: "cancelled" };
      case "timeout":
        return this.#decide(definition, { threw: this.#signal.reason });
      default:
        return why satisfies never;
    }
  }

  #decide(definition: JobDefinition, ending: Ending): Outcome {
    return decide(this.job, definition, ending, this.workerId, this.around.random());
  }

  #keptProgress(): Progress {
    const { job, workerId } = this;
    const { transactions, tell } = this.around;
    if (!this.#progress) {
      this.#progress = new Progress(
        (json) => saveProgress(transactions.db, workerId, job, json),
        (error) => tell({ type: "trouble", doing: `saving the progress of ${job.name} #${job.id}`, error }),
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
        this.around.tell({ type: "late error", job: this.job, error });
        return directive;
      },
    );
  }

  #keptLog(): JobLog {
    if (!this.#log) {
      this.#log = new JobLog(this, this.around.logs);
      if (this.#over) this.#log.end();
    }
    return this.#log;
  }

  #runTransaction(runnable: Runnable, ...[write, options]: Parameters<JobTransaction["run"]>): Promise<unknown> {
    const { job, workerId, around } = this;
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
      job,
      workerId,
      runnable,
      around.transactions,
      this.#signal,
      () => this.#log?.unwritten(),
      () => this.#progress,
      this.#made,
    );
    return this.#transaction.run(write, options);
  }
}

/** `refused`: its payload was not valid, so it did not run. */
type RunEnding = Ending | { readonly refused: InvalidValueError };
