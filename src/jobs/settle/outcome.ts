import { parseDuration } from "../../core/duration.js";
import { InvalidValueError, SoniqError } from "../../core/errors.js";
import { toJson } from "../../core/json.js";
import { backoffMs } from "./backoff.js";
import type { ClaimedJob } from "../claim/claim.js";
import type { JobDefinition } from "../definition/define-job.js";
import { type AnyDirective, asDirective, directiveKind } from "../definition/directives.js";
import { type ErrorRecord, errorRecord } from "../row/error-record.js";

/**
 * How an attempt ended, as it will be written down. `error` is what the job keeps of a failure, `thrown` the same as it was
 * thrown, for whoever reports it.
 */
export type Outcome =
  /** `result` is a JSON text; null for none. */
  | { readonly kind: "completed"; readonly result: string | null }
  | { readonly kind: "retried"; readonly delayMs: number; readonly error: ErrorRecord; readonly thrown?: unknown }
  | { readonly kind: "snoozed"; readonly delayMs: number }
  | ReleasedOutcome
  /** Set aside until it is freed. */
  | { readonly kind: "parked" }
  | UnknownOutcome
  /** Without a reason of its own, the one that was given with the request stays. */
  | { readonly kind: "cancelled"; readonly reason?: string }
  | { readonly kind: "dead"; readonly reason: string; readonly error?: ErrorRecord; readonly thrown?: unknown };

/** Given back, unfinished, through no fault of its own. */
interface ReleasedOutcome {
  readonly kind: "released";
  /** Null: it has its old place in the queue. */
  readonly delayMs: number | null;
  /** Its handler was called, and has ended in order: the job's earlier crashes are forgotten. */
  readonly ran?: true;
  /** Its transaction lost its connection, which counts as a crash: dead at so many. */
  readonly maxCrashes?: number;
  readonly error?: ErrorRecord;
  readonly thrown?: unknown;
}

/** This worker's code cannot run it, and that of another worker may: given back for that. */
interface UnknownOutcome {
  readonly kind: "unknown";
  readonly delayMs: number;
  /** The job is dead once so much time has passed since a worker first met it. */
  readonly graceMs: number;
  /** If it dies. */
  readonly reason: string;
  /** Dead at once, unless a live session of another version of the code works this queue. */
  readonly queue?: string;
  readonly error?: ErrorRecord;
  readonly thrown?: unknown;
}

/** What became of running a handler. */
export type Ending = { readonly returned: unknown } | { readonly threw: unknown };

/**
 * The outcome of an attempt. Never throws, whatever it is given.
 *
 * @param job as claimed
 * @param definition decides the backoff, and whether there is a result
 * @param worker the session that ran it
 * @param random a number from 0 to 1, for the backoff's jitter
 */
export function decide(
  job: ClaimedJob,
  definition: JobDefinition,
  ending: Ending,
  worker: string,
  random: number,
): Outcome {
  const value = "threw" in ending ? ending.threw : ending.returned;
  const directive = asDirective(value);
  if (!directive) {
    return "threw" in ending
      ? failed(job, definition, value, worker, random)
      : completed(job, definition, value, worker);
  }
  try {
    return obeyed(job, definition, directive, worker, random);
  } catch (error) {
    // Somebody has changed what it says.
    return failed(job, definition, error, worker, random);
  }
}

function obeyed(
  job: ClaimedJob,
  definition: JobDefinition,
  directive: AnyDirective,
  worker: string,
  random: number,
): Outcome {
  const kind = directiveKind(directive);
  const delayMs = "delayMs" in directive ? parseDuration(Number(directive.delayMs), `job ${job.name}: delay`) : 0;
  switch (kind) {
    case "snooze":
      return { kind: "snoozed", delayMs };
    case "park":
      return { kind: "parked" };
    case "cancel":
      return { kind: "cancelled", reason: errorRecord(directive, job.attempt, worker).message };
    case "discard": {
      const error = errorRecord(directive, job.attempt, worker);
      return { kind: "dead", reason: `discarded: ${error.message}`, error, thrown: directive };
    }
    case "retry":
      return failed(job, definition, directive, worker, random, delayMs);
    default:
      throw new SoniqError(`job ${job.name}: this version knows no directive ${JSON.stringify(kind satisfies never)}`);
  }
}

/** After the connection of its transaction broke, when a job runs again: soon at first, then later and later. */
const afterBreakMs = 1_000;
const maxBreakDoublings = 6;

/**
 * A job whose transaction had its connection broken: given back later and later.
 *
 * @param thrown what the connection broke with
 * @param maxCrashes after so many crashes, of which this is one, the job is dead; undefined for one that had not begun
 */
export function brokenConnection(
  job: ClaimedJob,
  thrown: unknown,
  worker: string,
  maxCrashes: number | undefined,
  random: number,
): Outcome {
  const doublings = Math.min(maxBreakDoublings, job.claims - job.attempt);
  const released = { kind: "released", delayMs: afterBreakMs * 2 ** doublings * (0.5 + random / 2), thrown } as const;
  if (maxCrashes === undefined) return released;
  return { ...released, error: errorRecord(thrown, job.attempt, worker), maxCrashes };
}

/** A job of a name that this worker does not know: given back more and more slowly. */
export function unknownName(job: ClaimedJob, graceMs: number, random: number): Outcome {
  const thrown = new SoniqError(`this worker knows no job of the name ${JSON.stringify(job.name)}`);
  return { kind: "unknown", delayMs: unknownDelayMs(job, random), graceMs, reason: "unknown job name", thrown };
}

/**
 * A job whose payload this worker's validator refuses, so that it did not run: dead, since trying again would not help; but
 * given back as one of an unknown name while other code works its queue, as during a rolling deploy.
 */
export function refusedPayload(
  job: ClaimedJob,
  refused: InvalidValueError,
  worker: string,
  graceMs: number,
  random: number,
): Outcome {
  const error = errorRecord(refused, job.attempt, worker);
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

function completed(job: ClaimedJob, definition: JobDefinition, returned: unknown, worker: string): Outcome {
  if (!definition.result || returned === undefined) return { kind: "completed", result: null };
  try {
    return { kind: "completed", result: toJson(returned, "result") };
  } catch (error) {
    return unstorable(job, error instanceof InvalidValueError ? error.of(`job ${job.name}`) : error, worker);
  }
}

/** A job that did its work, and returned what cannot be kept: it is not done again for that. */
function unstorable(job: ClaimedJob, thrown: unknown, worker: string): Outcome {
  const error = errorRecord(thrown, job.attempt, worker);
  return { kind: "dead", reason: `its result could not be stored: ${error.message}`, error, thrown };
}

function failed(
  job: ClaimedJob,
  definition: JobDefinition,
  thrown: unknown,
  worker: string,
  random: number,
  askedMs?: number,
): Outcome {
  const error = errorRecord(thrown, job.attempt, worker);
  if (job.attempt >= job.maxAttempts)
    return { kind: "dead", reason: `out of attempts: ${error.message}`, error, thrown };
  return {
    kind: "retried",
    delayMs: askedMs ?? ownBackoffMs(job, definition, thrown) ?? backoffMs(job.attempt, random),
    error,
    thrown,
  };
}

/** A backoff function of the user's that throws, or returns a promise, must not keep the job from being settled. */
function ownBackoffMs(job: ClaimedJob, definition: JobDefinition, thrown: unknown): number | undefined {
  try {
    const delay: unknown = definition.backoff?.(job.attempt, thrown);
    if (delay === undefined) return undefined;
    if (typeof delay === "object" && delay !== null) Promise.resolve(delay).catch(() => {});
    return parseDuration(delay as never, `job ${job.name}: backoff`);
  } catch {
    return undefined;
  }
}
