import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type Duration, parseDurationMs } from "../../core/duration.js";
import { InvalidValueError, describeValue, checkObject } from "../../core/errors.js";
import { parseText } from "../../core/json.js";
import type { Queryable } from "../../core/queryable.js";
import type { HandlerFunction } from "./job-context.js";
import type { JsonSafeInput } from "./json-safety.js";
import { checkUnique, type UniqueSettings } from "./unique-settings.js";

/** How the jobs of a definition are queued and retried. */
export interface JobSettings<In> {
  /** The queue of its jobs. Default `"default"`. */
  readonly queue?: string;
  /** 0 runs first, 9 last. Default 5. */
  readonly priority?: number;
  /** How many attempts a job has before it becomes a dead letter. Default 10. */
  readonly maxAttempts?: number;
  /**
   * How long one attempt may take before its `signal` is aborted. A handler that returns within the worker's `timeoutGrace` (5 s)
   * after the abort has completed; a handler that throws, or runs longer, has failed. Default `"5m"`.
   */
  readonly timeout?: Duration;
  /**
   * Returns the delay before the next attempt, given the failed attempt's number, from 1. Default: exponential backoff with full
   * jitter, a random delay of up to 2 s, 4 s, 8 s … 1 hour.
   */
  readonly backoff?: (attempt: number, error: unknown) => Duration;
  /**
   * Called for each job that `enqueue` and `enqueueMany` insert, in the process that enqueues. The call comes before a
   * surrounding transaction commits, so the job may still be rolled back. If it throws, the error is printed and has no other
   * effect.
   */
  readonly onEnqueued?: (job: { readonly id: number; readonly name: string }, payload: In) => void;
  /** Which jobs are duplicates, and what an enqueue does with a duplicate. Default: no deduplication. */
  readonly unique?: UniqueSettings<In>;
  /** How long its finished jobs are kept, where that differs from the worker's `retention`. */
  readonly retention?: Retention;
}

/**
 * A job definition, made by {@link defineJob}. `In` is the type of the payload that is enqueued and stored, `Out` the type that
 * the handler receives.
 */
// oxlint-disable no-explicit-any -- "any job definition" needs parameters that match in both directions
export interface JobDefinition<
  Name extends string = string,
  In = any,
  Out = any,
  ResultIn = any,
  ResultOut = any,
> extends JobSettings<In> {
  /** Distinguishes it from the definitions of events and schedules. */
  readonly kind: "job";
  readonly name: Name;
  readonly payload: StandardSchemaV1<In, Out>;
  readonly result?: StandardSchemaV1<ResultIn, ResultOut>;
  /** `never`, so that it accepts a handler for the transactions of any application. */
  readonly run?: HandlerFunction<Out, ResultIn, never> | undefined;
}
// oxlint-enable no-explicit-any

/** The type of the payload that `enqueue` accepts for this definition. */
export type PayloadInput<J extends JobDefinition> = J extends JobDefinition<string, infer In> ? In : never;
/** The type of the payload that the handler of this definition receives. */
export type PayloadOutput<J extends JobDefinition> =
  J extends JobDefinition<string, infer _In, infer Out> ? Out : never;
/** The type of the result that the handler of this definition returns, and that is stored. */
export type ResultInput<J extends JobDefinition> =
  J extends JobDefinition<string, infer _In, infer _Out, infer ResultIn> ? ResultIn : never;
/** The type of the result that `getJob` and `getResult` return. */
export type ResultOf<J extends JobDefinition> =
  J extends JobDefinition<string, infer _In, infer _Out, infer _ResultIn, infer ResultOut> ? ResultOut : never;

/**
 * Defines a job: a name and a validator.
 *
 * @param definition `payload` and `result` are Standard Schema validators (Valibot, Zod, ArkType …). The input of the validator
 *   is stored unchanged. Prefer strict objects: otherwise properties that the validator drops are stored, too.
 * @returns the definition: pass it to `enqueue`, and export it from the module that the configuration takes as `jobs`
 * @throws InvalidValueError for a setting out of range
 */
export function defineJob<
  const Name extends string,
  S extends StandardSchemaV1,
  Run extends HandlerFunction<StandardSchemaV1.InferOutput<S>, StandardSchemaV1.InferInput<R>, never> | undefined,
  R extends StandardSchemaV1 = StandardSchemaV1<void, void>,
>(
  definition: {
    readonly name: Name;
    readonly payload: S & JsonSafeInput<S, "payload">;
    readonly result?: R & JsonSafeInput<R, "result">;
    readonly run?: Run;
  } & JobSettings<StandardSchemaV1.InferInput<S>>,
): JobDefinition<
  Name,
  StandardSchemaV1.InferInput<S>,
  StandardSchemaV1.InferOutput<S>,
  StandardSchemaV1.InferInput<R>,
  StandardSchemaV1.InferOutput<R>
> & {
  readonly run: undefined extends Run
    ? undefined
    : HandlerFunction<StandardSchemaV1.InferOutput<S>, StandardSchemaV1.InferInput<R>, never>;
} {
  checkObject(definition, "definition", "give an object with a name and a validator, `payload`");
  const { queue, priority, maxAttempts, timeout, unique, retention = {} } = definition;
  parseText(definition.name, "name", 200);
  const prefix = `job ${definition.name}`;
  if (queue !== undefined) parseText(queue, `${prefix}: queue`, 200);
  if (priority !== undefined) parsePriority(priority, `${prefix}: priority`);
  if (maxAttempts !== undefined) parseMaxAttempts(maxAttempts, `${prefix}: maxAttempts`);
  if (timeout !== undefined && parseDurationMs(timeout, `${prefix}: timeout`) === 0)
    throw new InvalidValueError(`${prefix}: timeout`, "is 0: give the longest time that an attempt may take");
  if (unique !== undefined) checkUnique(unique, `${prefix}: unique`);
  for (const [state, duration] of Object.entries(retention)) parseDurationMs(duration, `${prefix}: retention.${state}`);
  // The compiler cannot know whether `run` is a handler or undefined.
  return Object.freeze({ ...definition, kind: "job", run: definition.run as never });
}

/** Distinguishes a job definition from the other exports of a module. */
export function isJobDefinition(value: unknown): value is JobDefinition {
  return isDefinition(value, "job");
}

/** Whether `defineJob` or `defineEvent` returned the value, in any copy of this package. */
export function isDefinition(value: unknown, kind: "job" | "event"): value is { name: string } {
  if (typeof value !== "object" || value === null || !("name" in value && "payload" in value)) return false;
  return "kind" in value && value.kind === kind && isValidator(value.payload);
}

function isValidator(value: unknown): boolean {
  return value !== null && (typeof value === "object" || typeof value === "function") && "~standard" in value;
}

/** @throws InvalidValueError for anything but a job definition, such as an event definition */
export function checkJobDefinition(value: unknown): asserts value is JobDefinition {
  if (isJobDefinition(value)) return;
  const problem = isDefinition(value, "event")
    ? `is the event ${value.name}: pass it to publish(db, event, payload)`
    : `is ${describeValue(value)}: pass what defineJob({ … }) returned`;
  throw new InvalidValueError("job", problem);
}

export function parsePriority(priority: number, what: string): number {
  if (!Number.isInteger(priority) || priority < 0 || priority > 9) {
    throw new InvalidValueError(what, `is ${describeValue(priority)}: give a whole number from 0 (first) to 9 (last)`);
  }
  return priority;
}

export function parseMaxAttempts(maxAttempts: number, what: string): number {
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > 1_000_000) {
    throw new InvalidValueError(what, `is ${describeValue(maxAttempts)}: give a whole number from 1 to 1000000`);
  }
  return maxAttempts;
}

/**
 * How long finished jobs are kept, by final state. A job whose unique key is held past its end is deleted up to an hour after the
 * key has expired.
 */
export interface Retention {
  /** Default `"24h"`. 0 deletes completed jobs as they are settled, unless a foreign key references the jobs table. */
  readonly completed?: Duration;
  /** Default `"24h"`. */
  readonly cancelled?: Duration;
  /** Default `"30d"`. */
  readonly dead?: Duration;
}

/** A handler bound to its definition, made by {@link defineHandler}. */
export interface Handler<J extends JobDefinition = JobDefinition, Tx = Queryable> {
  readonly job: J;
  // oxlint-disable-next-line no-explicit-any -- typed where it is made
  readonly run: HandlerFunction<any, any, Tx>;
}

/** Types a handler in a separate file; add it to the configuration's `handlers`. */
export function defineHandler<J extends JobDefinition, Tx = Queryable>(
  job: J,
  run: HandlerFunction<PayloadOutput<J>, ResultInput<J>, Tx>,
): Handler<J, Tx> {
  return { job, run };
}
