import { InvalidValueError } from "../core/errors.js";
import type { ClaimedJob } from "../jobs/claim.js";
import type { JobDefinition } from "../jobs/define-job.js";
import { asDirective } from "../jobs/directives.js";
import type { JobContext } from "../jobs/job-context.js";
import { decide, type Ending, type Outcome, unknownName } from "../jobs/outcome.js";
import { saveProgress } from "../jobs/save-progress.js";
import type { Settled } from "../jobs/settle.js";
import { validate } from "../jobs/validate.js";
import { handlerContext } from "./handler-context.js";
import { JobLog } from "./job-log.js";
import { JobTransaction } from "./job-transaction.js";
import { Progress } from "./progress.js";
import type { Runnable } from "./settings.js";
import type { Surroundings } from "./surroundings.js";

/** Why an attempt was interrupted. */
export type Interruption = "timeout" | "cancel" | "lost" | "shutdown" | "crash";

/** How long a handler may take to end after its signal was aborted, before the worker goes on without it. */
export const graceMs = 5_000;

/** How an attempt ended, and what is left to do for it. */
export type RunEnd =
  /** `lost`: what its transaction's connection broke with; `logs`: what it logged last. */
  | {
      readonly kind: "to settle";
      readonly outcome: Outcome;
      readonly lost?: unknown;
      readonly logs?: string | undefined;
    }
  /** Its own transaction has settled it; `late`: what the handler threw after that. */
  | {
      readonly kind: "settled";
      readonly outcome: Outcome;
      readonly state: Settled["state"];
      readonly late?: unknown;
    }
  /** Its own transaction found the claim ended. */
  | { readonly kind: "fenced"; readonly outcome: Outcome }
  /** There is nothing to settle: the claim was lost, or is left to be rescued. */
  | { readonly kind: "lost" };

/** After the connection of its transaction broke, when a job runs again: soon at first, then later and later. */
const afterLossMs = 1_000;
const mostDoublings = 6;
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

  constructor(
    readonly job: ClaimedJob,
    /** The session that claimed it. */
    readonly workerId: string,
    /** When the claim was answered, by `performance.now()`. */
    readonly claimedAt: number,
    private readonly around: Pick<Surroundings, "transactions" | "logs" | "random" | "tell" | "turns">,
  ) {}

  /** Runs the handler to its end, or until the grace after an interruption is over. */
  async execute(runnable: Runnable | undefined, unknownGraceMs: number): Promise<RunEnd> {
    if (!runnable) return { kind: "to settle", outcome: unknownName(this.job, unknownGraceMs, this.around.random()) };
    this.#timeOutIn(runnable.timeoutMs);
    const ending = await this.#callOrGiveUp(runnable);
    clearTimeout(this.#timeout);
    // Many that end together have many results to write as JSON.
    const turn = this.around.turns.next();
    if (turn) await turn;
    clearTimeout(this.#graceTimer);
    this.#log?.end();
    if (this.#progress) await this.#progress.hold();
    const end = this.#end(runnable, ending);
    return this.#log && end.kind === "to settle" ? { ...end, logs: this.#log.unwritten() } : end;
  }

  /** If the worker went on without the handler, which took no notice of its signal: resolves when that ends after all. */
  get stubborn(): Promise<unknown> | undefined {
    return this.#ignored ? this.#handler : undefined;
  }

  get inTransaction(): boolean {
    return this.#transaction?.open ?? false;
  }

  /** Aborts the handler's signal, and gives up on it when the grace is over. */
  interrupt(why: Interruption, grace = graceMs): void {
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
    this.#graceTimer = setTimeout(() => this.#giveUp(), grace);
  }

  #callOrGiveUp(runnable: Runnable): Promise<Ending> {
    return new Promise((end) => {
      this.#giveUp = () => {
        this.#ignored = true;
        end({ threw: this.#signal.reason });
        this.#transaction?.abandon();
      };
      const handler = this.#call(runnable);
      this.#handler = handler;
      void handler.then(end);
    });
  }

  get #signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  async #call(runnable: Runnable): Promise<Ending> {
    const { definition, run } = runnable;
    let payload: unknown;
    try {
      const validated = validate(definition.payload, JSON.parse(this.job.payload), "payload");
      payload = validated instanceof Promise ? await validated : validated;
    } catch (refused) {
      // A validator that fails to answer, such as a look-up that cannot connect, has not refused.
      return refused instanceof InvalidValueError ? { refused } : { threw: refused };
    }
    try {
      const returned = await run(payload, this.#context(runnable));
      // It decides, also if the handler did not wait for it or did not mind.
      if (this.#transaction) {
        await this.#transaction.result().catch((error: unknown) => {
          if (!asDirective(returned)) throw error;
        });
      }
      return { returned };
    } catch (threw) {
      await this.#transaction?.result().catch(() => {});
      return { threw };
    }
  }

  #timeOutIn(ms: number): void {
    this.#timeout = setTimeout(() => this.interrupt("timeout"), ms);
  }

  #afterLossMs(): number {
    const { claims, attempt } = this.job;
    return afterLossMs * 2 ** Math.min(mostDoublings, claims - attempt) * (0.5 + this.around.random() / 2);
  }

  #end(runnable: Runnable, ending: Ending): RunEnd {
    const end = this.#transaction?.end;
    switch (end?.kind) {
      case "committed":
        return { ...end, kind: "settled", ...("threw" in ending && { late: ending.threw }) };
      case "fenced":
        return end;
      case "lost":
        if ("threw" in ending && (!this.#interruption || this.#interruption === "timeout"))
          return { kind: "to settle", outcome: { kind: "released", delayMs: this.#afterLossMs() }, lost: ending.threw };
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

  #outcome({ definition }: Runnable, ending: Ending): RunEnd {
    const interruption = this.#interruption;
    if (interruption === "lost") return { kind: "lost" };
    if (interruption === "crash" && "threw" in ending) return { kind: "lost" };
    // A handler that ends well all the same has done its work.
    const cutShort =
      interruption && interruption !== "crash" && "threw" in ending
        ? this.#interrupted(definition, interruption)
        : undefined;
    return {
      kind: "to settle",
      outcome: cutShort ?? decide(this.job, definition, ending, this.workerId, this.around.random()),
    };
  }

  #interrupted(definition: JobDefinition, why: Exclude<Interruption, "lost" | "crash">): Outcome {
    switch (why) {
      case "shutdown":
        return { kind: "released", delayMs: 0 };
      case "cancel":
        return { kind: "cancelled" };
      case "timeout":
        return decide(this.job, definition, { threw: this.#signal.reason }, this.workerId, this.around.random());
      default:
        return why satisfies never;
    }
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
    const { job, workerId, around } = this;
    return handlerContext(
      job,
      () => this.#signal,
      (write, options) => {
        const logs = () => this.#log?.unwritten();
        this.#transaction ??= new JobTransaction(
          job,
          workerId,
          runnable,
          around.transactions,
          this.#signal,
          logs,
          () => this.#progress,
        );
        return this.#transaction.run(write, options) as ReturnType<typeof write>;
      },
      (message, fields) => {
        this.#log ??= new JobLog(this, around.logs);
        this.#log.add(message, fields);
      },
      (value) => this.#keptProgress().report(value),
    );
  }
}

const reasons: Record<Interruption, string> = {
  timeout: "the job's timeout has passed",
  cancel: "the job was cancelled",
  lost: "the job was taken from this worker",
  shutdown: "the worker is shutting down",
  crash: "the worker is shutting down",
};

/** A graver interruption takes the place of a lesser one. */
const gravity: Record<Interruption, number> = { timeout: 0, cancel: 0, shutdown: 1, crash: 2, lost: 3 };
