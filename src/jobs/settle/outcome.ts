import { parseDurationMs } from "../../core/duration.js";
import { InvalidValueError, SoniqError } from "../../core/errors.js";
import { toJson } from "../../core/json.js";
import { backoffMs } from "./backoff.js";
import type { ClaimedJob } from "../claim/claim.js";
import type { JobDefinition } from "../definition/define-job.js";
import { type AnyDirective, asDirective, directiveKind } from "../definition/directives.js";
import { type ErrorRecord, toErrorRecord } from "../row/error-record.js";

/**
 * How an attempt ended, as it is stored. `error` is the failure as the job stores it, `thrown` the original error for events and
 * logs.
 */
export type Outcome =
  /** `result` is a JSON text; null for none. */
  | { readonly kind: "completed"; readonly result: string | null }
  | { readonly kind: "retried"; readonly delayMs: number; readonly error: ErrorRecord; readonly thrown?: unknown }
  | { readonly kind: "snoozed"; readonly delayMs: number }
  | ReleasedOutcome
  /** Set aside until it is unparked. */
  | { readonly kind: "parked" }
  | UnknownOutcome
  /** Without a `reason`, the reason of the cancellation request stays. */
  | { readonly kind: "cancelled"; readonly reason?: string }
  | { readonly kind: "dead"; readonly reason: string; readonly error?: ErrorRecord; readonly thrown?: unknown };

/** The job returns to its queue unfinished, for a reason outside the job. */
interface ReleasedOutcome {
  readonly kind: "released";
  /** Null: the job keeps its position in the queue. */
  readonly delayMs: number | null;
  /** The handler ran and ended normally, so the job's crash count is reset. */
  readonly ran?: true;
  /** The job's transaction lost its connection, which counts as a crash. The job is dead at this many crashes. */
  readonly maxCrashes?: number;
  readonly error?: ErrorRecord;
  readonly thrown?: unknown;
}

/** This worker's code cannot run the job, but another worker's code may: the job returns to its queue. */
interface UnknownOutcome {
  readonly kind: "unknown";
  readonly delayMs: number;
  /** The job is dead this long after a worker first could not run it. */
  readonly graceMs: number;
  /** The job's reason if it becomes dead. */
  readonly reason: string;
  /** If set, the job is dead at once unless a live session of another version of the code works this queue. */
  readonly queue?: string;
  readonly error?: ErrorRecord;
  readonly thrown?: unknown;
}

/** How the call of a handler ended. */
export type HandlerResult = { readonly returned: unknown } | { readonly threw: unknown };

/**
 * Decides the outcome of an attempt. Never throws.
 *
 * @param job as claimed
 * @param definition determines the backoff, and whether there is a result
 * @param worker the session that ran the attempt
 * @param random a number from 0 to 1, for the backoff's jitter
 */
export function decideOutcome(
  job: ClaimedJob,
  definition: JobDefinition,
  ending: HandlerResult,
  worker: string,
  random: number,
): Outcome {
  const value = "threw" in ending ? ending.threw : ending.returned;
  const directive = asDirective(value);
  if (!directive) {
    return "threw" in ending ? fail(job, definition, value, worker, random) : complete(job, definition, value, worker);
  }
  try {
    return followDirective(job, definition, directive, worker, random);
  } catch (error) {
    // The application has changed the directive's properties to invalid values.
    return fail(job, definition, error, worker, random);
  }
}

function followDirective(
  job: ClaimedJob,
  definition: JobDefinition,
  directive: AnyDirective,
  worker: string,
  random: number,
): Outcome {
  const kind = directiveKind(directive);
  const delayMs = "delayMs" in directive ? parseDurationMs(Number(directive.delayMs), `job ${job.name}: delay`) : 0;
  switch (kind) {
    case "snooze":
      return { kind: "snoozed", delayMs };
    case "park":
      return { kind: "parked" };
    case "cancel":
      return { kind: "cancelled", reason: toErrorRecord(directive, job.attempt, worker).message };
    case "discard": {
      const error = toErrorRecord(directive, job.attempt, worker);
      return { kind: "dead", reason: `discarded: ${error.message}`, error, thrown: directive };
    }
    case "retry":
      return fail(job, definition, directive, worker, random, delayMs);
    default:
      throw new SoniqError(
        `job ${job.name}: this version of soniq-drizzle does not know the directive ${JSON.stringify(kind satisfies never)}`,
      );
  }
}

/** The delay before a job runs again after its transaction lost the connection. It doubles with each release, up to 64 s. */
const baseReleaseDelayMs = 1_000;
const maxReleaseDoublings = 6;

/**
 * Releases a job whose transaction lost its connection, with a delay that doubles each time.
 *
 * @param thrown the error with which the connection broke
 * @param maxCrashes the job is dead at this many crashes, this one included; undefined if the transaction had not begun, which is
 *   not a crash
 */
export function decideLostConnection(
  job: ClaimedJob,
  thrown: unknown,
  worker: string,
  maxCrashes: number | undefined,
  random: number,
): Outcome {
  const doublings = Math.min(maxReleaseDoublings, job.claims - job.attempt);
  const released = {
    kind: "released",
    delayMs: baseReleaseDelayMs * 2 ** doublings * (0.5 + random / 2),
    thrown,
  } as const;
  if (maxCrashes === undefined) return released;
  return { ...released, error: toErrorRecord(thrown, job.attempt, worker), maxCrashes };
}

/** Releases a job whose name this worker does not know, with a delay that doubles each time. */
export function decideUnknownName(job: ClaimedJob, graceMs: number, random: number): Outcome {
  const thrown = new SoniqError(`this worker has no definition of the job ${JSON.stringify(job.name)}`);
  return { kind: "unknown", delayMs: unknownDelayMs(job, random), graceMs, reason: "unknown job name", thrown };
}

/**
 * Decides the outcome of a job that did not run because this worker's validator rejects its payload. The job is dead, because a
 * retry would not help. But while another version of the code works its queue, as during a rolling deploy, the job is released
 * like a job with an unknown name.
 */
export function decideInvalidPayload(
  job: ClaimedJob,
  refused: InvalidValueError,
  worker: string,
  graceMs: number,
  random: number,
): Outcome {
  const error = toErrorRecord(refused, job.attempt, worker);
  return {
    kind: "unknown",
    delayMs: unknownDelayMs(job, random),
    graceMs,
    reason: `invalid payload: ${error.message}`,
    queue: job.queue,
    error,
    thrown: refused,
  };
}

function unknownDelayMs({ claims }: ClaimedJob, random: number): number {
  return Math.min(30_000, 1_000 * 2 ** Math.min(claims - 1, 10)) * (0.5 + random / 2);
}

function complete(job: ClaimedJob, definition: JobDefinition, returned: unknown, worker: string): Outcome {
  if (!definition.result || returned === undefined) return { kind: "completed", result: null };
  try {
    return { kind: "completed", result: toJson(returned, "result") };
  } catch (error) {
    return rejectResult(job, error instanceof InvalidValueError ? error.of(`job ${job.name}`) : error, worker);
  }
}

/** Makes a job dead whose result cannot be stored. It is not retried, because it has done its work. */
function rejectResult(job: ClaimedJob, thrown: unknown, worker: string): Outcome {
  const error = toErrorRecord(thrown, job.attempt, worker);
  return { kind: "dead", reason: `its result could not be stored: ${error.message}`, error, thrown };
}

function fail(
  job: ClaimedJob,
  definition: JobDefinition,
  thrown: unknown,
  worker: string,
  random: number,
  requestedMs?: number,
): Outcome {
  const error = toErrorRecord(thrown, job.attempt, worker);
  if (job.attempt >= job.maxAttempts)
    return { kind: "dead", reason: `out of attempts: ${error.message}`, error, thrown };
  return {
    kind: "retried",
    delayMs: requestedMs ?? customBackoffMs(job, definition, thrown) ?? backoffMs(job.attempt, random),
    error,
    thrown,
  };
}

/**
 * Calls the definition's `backoff`. If that throws or returns a promise, the default backoff applies, so that the job is settled
 * in any case.
 */
function customBackoffMs(job: ClaimedJob, definition: JobDefinition, thrown: unknown): number | undefined {
  try {
    const delay: unknown = definition.backoff?.(job.attempt, thrown);
    if (delay === undefined) return undefined;
    if (typeof delay === "object" && delay !== null) Promise.resolve(delay).catch(() => {});
    return parseDurationMs(delay as never, `job ${job.name}: backoff`);
  } catch {
    return undefined;
  }
}
