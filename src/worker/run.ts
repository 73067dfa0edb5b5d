import type { Duration } from "../core/duration.js";
import { InvalidValueError } from "../core/errors.js";
import type { ClaimedJob } from "../jobs/claim.js";
import type { JobDefinition } from "../jobs/define-job.js";
import { Cancel, Discard, Snooze } from "../jobs/directives.js";
import type { JobContext } from "../jobs/job-context.js";
import { decide, type Ending, type Outcome, unknownName } from "../jobs/outcome.js";
import type { Settled } from "../jobs/settle.js";
import { validate } from "../jobs/validate.js";
import { JobTransaction, type TransactionSurroundings } from "./job-transaction.js";
import type { Runnable } from "./settings.js";

/** Why an attempt was interrupted. */
export type Interruption = "timeout" | "cancel" | "lost" | "shutdown";

/** How long a handler may take to end after its signal was aborted, before the worker goes on without it. */
export const graceMs = 5_000;

/** How an attempt ended, and what is left to do for it. */
export type RunEnd =
  | { readonly kind: "to settle"; readonly outcome: Outcome }
  /** Its own transaction has settled it; `late`: what the handler threw after that. */
  | {
      readonly kind: "settled";
      readonly outcome: Outcome;
      readonly state: Settled["state"];
      readonly late?: unknown;
    }
  /** Its own transaction found the claim ended. */
  | { readonly kind: "fenced"; readonly outcome: Outcome }
  /** The claim was lost: there is nothing to settle. */
  | { readonly kind: "lost" };

/** After the connection of its transaction broke, when a job runs again. */
const afterLossMs = 1_000;

/** One attempt at a claimed job. */
export class Run {
  readonly startedAt = performance.now();
  readonly #abort = new AbortController();
  readonly #gaveUp: Promise<Ending>;
  #giveUp!: () => void;
  #interruption: Interruption | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #transaction: JobTransaction | undefined;

  constructor(
    readonly job: ClaimedJob,
    /** The session that claimed it. */
    readonly workerId: string,
    private readonly transactions: TransactionSurroundings,
  ) {
    this.#gaveUp = new Promise((resolve) => {
      this.#giveUp = () => {
        resolve({ threw: this.#abort.signal.reason });
        this.#transaction?.abandon();
      };
    });
  }

  /** Runs the handler to its end, or until the grace after an interruption is over. */
  async execute(runnable: Runnable | undefined, unknownGraceMs: number): Promise<RunEnd> {
    if (!runnable) return { kind: "to settle", outcome: unknownName(this.job, unknownGraceMs, Math.random()) };
    const timeout = setTimeout(() => this.interrupt("timeout"), runnable.timeoutMs);
    const ending = await Promise.race([this.#call(runnable), this.#gaveUp]);
    clearTimeout(timeout);
    clearTimeout(this.#graceTimer);
    return this.#end(runnable, ending);
  }

  /** Aborts the handler's signal, and gives up on it when the grace is over. */
  interrupt(why: Interruption, grace = graceMs): void {
    // The settle that was sent tells for certain, and ends the claim if it is not lost.
    if (why === "lost" && this.#transaction?.settling) return;
    // Said with every beat, it must not begin the grace anew.
    if (this.#interruption === "lost") return;
    // Nothing is worse than a lost claim, and a shutdown that is over.
    if (this.#interruption && why !== "lost" && why !== "shutdown") return;
    this.#interruption = why;
    this.#abort.abort(new DOMException(reasons[why], why === "timeout" ? "TimeoutError" : "AbortError"));
    clearTimeout(this.#graceTimer);
    this.#graceTimer = setTimeout(() => this.#giveUp(), grace);
  }

  async #call(runnable: Runnable): Promise<Ending> {
    const { definition, run } = runnable;
    let payload: unknown;
    try {
      payload = await validate(definition.payload, JSON.parse(this.job.payload), "payload");
    } catch (refused) {
      // A validator that fails to answer, such as a look-up that cannot connect, has not refused.
      return refused instanceof InvalidValueError ? { refused } : { threw: refused };
    }
    try {
      const returned = await run(payload, this.#context(runnable));
      // One that the handler did not wait for decides all the same.
      await this.#transaction?.result();
      return { returned };
    } catch (threw) {
      await this.#transaction?.result().catch(() => {});
      return { threw };
    }
  }

  #end(runnable: Runnable, ending: Ending): RunEnd {
    const end = this.#transaction?.end;
    switch (end?.kind) {
      case "committed":
        return { ...end, kind: "settled", ...("threw" in ending && { late: ending.threw }) };
      case "fenced":
        return end;
      case "lost":
        if ("threw" in ending && !this.#interruption)
          return { kind: "to settle", outcome: { kind: "released", delayMs: afterLossMs * (0.5 + Math.random()) } };
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
    // A handler that ends well all the same has done its work.
    const cutShort = interruption && "threw" in ending ? this.#interrupted(definition, interruption) : undefined;
    return {
      kind: "to settle",
      outcome: cutShort ?? decide(this.job, definition, ending, this.workerId, Math.random()),
    };
  }

  #interrupted(definition: JobDefinition, why: Exclude<Interruption, "lost">): Outcome {
    switch (why) {
      case "shutdown":
        return { kind: "released", delayMs: 0 };
      case "cancel":
        return { kind: "cancelled" };
      case "timeout":
        return decide(this.job, definition, { threw: this.#abort.signal.reason }, this.workerId, Math.random());
      default:
        return why satisfies never;
    }
  }

  #context(runnable: Runnable): JobContext {
    const { id, name, queue, attempt, maxAttempts, tags, meta } = this.job;
    const { signal } = this.#abort;
    return {
      id,
      name,
      queue,
      attempt,
      maxAttempts,
      tags: JSON.parse(tags) as string[],
      meta: JSON.parse(meta) as Record<string, unknown>,
      signal,
      transaction: (write, options) => {
        this.#transaction ??= new JobTransaction(this.job, this.workerId, runnable, this.transactions, signal);
        return this.#transaction.run(write, options) as ReturnType<typeof write>;
      },
      snooze: (delay: Duration) => new Snooze(delay),
      cancel: (reason: string) => new Cancel(reason),
      discard: (reason: string) => new Discard(reason),
    };
  }
}

const reasons: Record<Interruption, string> = {
  timeout: "the job's timeout has passed",
  cancel: "the job was cancelled",
  lost: "the job was taken from this worker",
  shutdown: "the worker is shutting down",
};
