import { milliseconds } from "../core/duration.js";
import { InvalidValueError } from "../core/errors.js";
import { toJson } from "../core/json.js";
import { backoffMs } from "./backoff.js";
import type { ClaimedJob } from "./claim.js";
import type { JobDefinition } from "./define-job.js";
import { asDirective, directiveKind } from "./directives.js";
import { storable } from "../core/storable.js";
import { type ErrorRecord, errorRecord } from "./error-record.js";

/** How an attempt ended, as it will be written down. */
export type Outcome =
  /** `result` is a JSON text; null for none. */
  | { readonly kind: "completed"; readonly result: string | null }
  | { readonly kind: "retried"; readonly delayMs: number; readonly error: ErrorRecord }
  | { readonly kind: "snoozed"; readonly delayMs: number }
  /** Given back, unfinished, through no fault of its own. Without a delay, it has its old place in the queue. */
  | { readonly kind: "released"; readonly delayMs: number | null }
  /** Set aside until it is freed. */
  | { readonly kind: "parked" }
  /** This worker has no definition of that name. Dead once `graceMs` have passed since a worker first met it. */
  | { readonly kind: "unknown"; readonly delayMs: number; readonly graceMs: number }
  /** Without a reason of its own, the one that was given with the request stays. */
  | { readonly kind: "cancelled"; readonly reason?: string }
  | { readonly kind: "dead"; readonly reason: string; readonly error?: ErrorRecord };

/** What became of running a handler; `refused`: its payload was not valid, so it did not run. */
export type Ending =
  { readonly returned: unknown } | { readonly threw: unknown } | { readonly refused: InvalidValueError };

/**
 * The outcome of an attempt.
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
  if ("refused" in ending) return unparsable(job, ending.refused, worker);
  const value = "threw" in ending ? ending.threw : ending.returned;
  const directive = asDirective(value);
  if (!directive) {
    return "threw" in ending
      ? failed(job, definition, value, worker, random)
      : completed(job, definition, value, worker);
  }
  const kind = directiveKind(directive);
  switch (kind) {
    case "snooze":
      return { kind: "snoozed", delayMs: (directive as { delayMs: number }).delayMs };
    case "park":
      return { kind: "parked" };
    case "cancel":
      return { kind: "cancelled", reason: storable(directive.message) };
    case "discard":
      return {
        kind: "dead",
        reason: `discarded: ${storable(directive.message)}`,
        error: errorRecord(directive, job.attempt, worker),
      };
    case "retry":
      return failed(job, definition, directive, worker, random, (directive as { delayMs: number }).delayMs);
    default:
      return kind satisfies never;
  }
}

/** A job whose payload its validator no longer takes: trying again would not help. */
function unparsable(job: ClaimedJob, error: InvalidValueError, worker: string): Outcome {
  const record = errorRecord(error, job.attempt, worker);
  return { kind: "dead", reason: `invalid payload: ${record.message}`, error: record };
}

/** A job of a name that this worker does not know: given back more and more slowly. */
export function unknownName(job: ClaimedJob, graceMs: number, random: number): Outcome {
  return {
    kind: "unknown",
    delayMs: Math.min(30_000, 1_000 * 2 ** Math.min(job.claims - 1, 10)) * (0.5 + random / 2),
    graceMs,
  };
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
function unstorable(job: ClaimedJob, error: unknown, worker: string): Outcome {
  const record = errorRecord(error, job.attempt, worker);
  return { kind: "dead", reason: `its result could not be stored: ${record.message}`, error: record };
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
  if (job.attempt >= job.maxAttempts) return { kind: "dead", reason: `out of attempts: ${error.message}`, error };
  return {
    kind: "retried",
    delayMs: askedMs ?? ownBackoffMs(job, definition, thrown) ?? backoffMs(job.attempt, random),
    error,
  };
}

/** A backoff function of the user's that throws must not keep the job from being settled. */
function ownBackoffMs(job: ClaimedJob, definition: JobDefinition, thrown: unknown): number | undefined {
  try {
    return definition.backoff && milliseconds(definition.backoff(job.attempt, thrown), `job ${job.name}: backoff`);
  } catch {
    return undefined;
  }
}
