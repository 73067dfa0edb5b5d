import type { Duration } from "../core/duration.js";
import type { Cancel, Directive, Discard, Snooze } from "./directives.js";

/** What a handler knows of the job that it runs, beside the payload. */
export interface JobContext {
  readonly id: number;
  readonly name: string;
  readonly queue: string;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, unknown>>;
  /** Aborted on timeout, cancellation, the loss of the claim, and at the end of a shutdown's drain time. Pass it on. */
  readonly signal: AbortSignal;
  /** Return it to run again after `delay`, without costing an attempt. */
  snooze(delay: Duration): Snooze;
  /** Return it to end the job as cancelled. */
  cancel(reason: string): Cancel;
  /** Return it to end the job as a dead letter, whatever attempts are left. */
  discard(reason: string): Discard;
}

/** Runs one attempt of a job: returns its result or a directive, or throws. */
export type HandlerFunction<Out, ResultIn> = (
  payload: Out,
  job: JobContext,
) => ResultIn | Directive | Promise<ResultIn | Directive>;
