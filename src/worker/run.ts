import type { Duration } from "../core/duration.js";
import { InvalidValueError } from "../core/errors.js";
import type { ClaimedJob } from "../jobs/claim.js";
import { Cancel, Discard, Snooze } from "../jobs/directives.js";
import type { JobContext } from "../jobs/job-context.js";
import { decide, type Ending, type Outcome, unknownName } from "../jobs/outcome.js";
import { validate } from "../jobs/validate.js";
import type { Runnable } from "./settings.js";

/** Why an attempt was interrupted. */
export type Interruption = "timeout" | "cancel" | "lost" | "shutdown" | "crash";

/** How long a handler may take to end after its signal was aborted, before the worker goes on without it. */
export const graceMs = 5_000;

/** One attempt at a claimed job. */
export class Run {
  readonly startedAt = performance.now();
  readonly #abort = new AbortController();
  readonly #gaveUp: Promise<Ending>;
  #giveUp!: () => void;
  #interruption: Interruption | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #handler: Promise<unknown> = Promise.resolve();
  #ignored = false;

  constructor(
    readonly job: ClaimedJob,
    /** The session that claimed it. */
    readonly workerId: string,
  ) {
    this.#gaveUp = new Promise((resolve) => {
      this.#giveUp = () => {
        this.#ignored = true;
        resolve({ threw: this.#abort.signal.reason });
      };
    });
  }

  /**
   * Runs the handler to its end, or until the grace after an interruption is over.
   *
   * @returns the outcome, or undefined where there is nothing to settle: the claim was lost, or is left to be rescued
   */
  async execute(runnable: Runnable | undefined, unknownGraceMs: number): Promise<Outcome | undefined> {
    if (!runnable) return unknownName(this.job, unknownGraceMs, Math.random());
    const timeout = setTimeout(() => this.interrupt("timeout"), runnable.timeoutMs);
    const handler = this.#call(runnable);
    this.#handler = handler;
    const ending = await Promise.race([handler, this.#gaveUp]);
    clearTimeout(timeout);
    clearTimeout(this.#graceTimer);
    return this.#outcome(runnable, ending);
  }

  /** If the worker went on without the handler, which took no notice of its signal: resolves when that ends after all. */
  get stubborn(): Promise<unknown> | undefined {
    return this.#ignored ? this.#handler : undefined;
  }

  /** Aborts the handler's signal, and gives up on it when the grace is over. */
  interrupt(why: Interruption, grace = graceMs): void {
    // Said with every beat, it must not begin the grace anew.
    if (this.#interruption === "lost") return;
    // Nothing is worse than a lost claim, then a crash, then a shutdown that is over.
    if (this.#interruption && gravity[why] < Math.max(1, gravity[this.#interruption])) return;
    this.#interruption = why;
    this.#abort.abort(new DOMException(reasons[why], why === "timeout" ? "TimeoutError" : "AbortError"));
    clearTimeout(this.#graceTimer);
    this.#graceTimer = setTimeout(() => this.#giveUp(), grace);
  }

  async #call({ definition, run }: Runnable): Promise<Ending> {
    let payload: unknown;
    try {
      payload = await validate(definition.payload, JSON.parse(this.job.payload), "payload");
    } catch (refused) {
      // A validator that fails to answer, such as a look-up that cannot connect, has not refused.
      return refused instanceof InvalidValueError ? { refused } : { threw: refused };
    }
    try {
      return { returned: await run(payload, this.#context()) };
    } catch (threw) {
      return { threw };
    }
  }

  #outcome({ definition }: Runnable, ending: Ending): Outcome | undefined {
    if (this.#interruption === "lost") return undefined;
    // A handler that ends well all the same has done its work.
    if (this.#interruption && "threw" in ending) {
      switch (this.#interruption) {
        case "shutdown":
          return { kind: "released", delayMs: 0 };
        case "crash":
          return undefined;
        case "cancel":
          return { kind: "cancelled" };
        case "timeout":
          return decide(this.job, definition, { threw: this.#abort.signal.reason }, this.workerId, Math.random());
        default:
          return this.#interruption satisfies never;
      }
    }
    return decide(this.job, definition, ending, this.workerId, Math.random());
  }

  #context(): JobContext {
    const { id, name, queue, attempt, maxAttempts, tags, meta } = this.job;
    return {
      id,
      name,
      queue,
      attempt,
      maxAttempts,
      tags: JSON.parse(tags) as string[],
      meta: JSON.parse(meta) as Record<string, unknown>,
      signal: this.#abort.signal,
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
  crash: "the worker is shutting down",
};

/** A graver interruption takes the place of a lesser one. */
const gravity: Record<Interruption, number> = { timeout: 0, cancel: 0, shutdown: 1, crash: 2, lost: 3 };
