import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type Duration, parseDuration } from "../../core/duration.js";
import { InvalidValueError, describeValue, checkObject } from "../../core/errors.js";
import { parseText } from "../../core/json.js";
import type { Queryable } from "../../core/queryable.js";
import type { HandlerFunction } from "./job-context.js";
import type { JsonSafeInput } from "./json-safety.js";
import { checkUnique, type UniqueSettings } from "./unique-settings.js";

/** How the jobs of a definition are queued and tried. */
export interface JobSettings<In> {
  /** The queue its jobs wait in. Default `"default"`. */
  readonly queue?: string;
  /** 0 runs first, 9 last. Default 5. */
  readonly priority?: number;
  /** How often a job may be tried before it is a dead letter. Default 10. */
  readonly maxAttempts?: number;
  /**
   * How long one attempt may take before its `signal` is aborted. A handler that ends well within the worker's `timeoutGrace`
   * (5 s) after that has completed; one that throws, or goes on for longer, has failed. Default `"5m"`.
   */
  readonly timeout?: Duration;
  /** How long to wait after a failed attempt, counted from 1. Default: up to 2 s, 4 s, 8 s … an hour, at random. */
  readonly backoff?: (attempt: number, error: unknown) => Duration;
  /**
   * Told of each job that `enqueue` and `enqueueMany` insert, in the process that does, and before a transaction around it commits:
   * of a job that is rolled back, too. What it throws is printed, and changes nothing.
   */
  readonly onEnqueued?: (job: { readonly id: number; readonly name: string }, payload: In) => void;
  /** Which jobs are the same one, and what becomes of the second. Default: each is a job of its own. */
  readonly unique?: UniqueSettings<In>;
  /** How long its finished jobs are kept, as far as it is another time than the worker's. */
  readonly retention?: Retention;
}

/** A job definition, made by {@link defineJob}: `In` is what is enqueued and stored, `Out` what the handler receives. */
// oxlint-disable no-explicit-any -- "any job definition" needs parameters that match in both directions
export interface JobDefinition<
  Name extends string = string,
  In = any,
  Out = any,
  ResultIn = any,
  ResultOut = any,
> extends JobSettings<In> {
  /** What tells it from the definitions of events and schedules. */
  readonly kind: "job";
  readonly name: Name;
  readonly payload: StandardSchemaV1<In, Out>;
  readonly result?: StandardSchemaV1<ResultIn, ResultOut>;
  /** `never`: whichever application's transactions it asks for. */
  readonly run?: HandlerFunction<Out, ResultIn, never> | undefined;
}
// oxlint-enable no-explicit-any

/** What to pass to `enqueue` for this definition. */
export type PayloadInput<J extends JobDefinition> = J extends JobDefinition<string, infer In> ? In : never;
/** What the handler of this definition receives. */
export type PayloadOutput<J extends JobDefinition> =
  J extends JobDefinition<string, infer _In, infer Out> ? Out : never;
/** What the handler of this definition returns, and what is stored. */
export type ResultInput<J extends JobDefinition> =
  J extends JobDefinition<string, infer _In, infer _Out, infer ResultIn> ? ResultIn : never;
/** What reading the result gives. */
export type ResultOf<J extends JobDefinition> =
  J extends JobDefinition<string, infer _In, infer _Out, infer _ResultIn, infer ResultOut> ? ResultOut : never;

/**
 * Defines a job: a name and a validator.
 *
 * @param definition `payload` and `result` are Standard Schema validators (Valibot, Zod, ArkType …). What is stored is the
 *   validator's input, unchanged: prefer strict objects, or properties that the validator drops are stored all the same.
 * @returns the definition, to pass to `enqueue`, and to export from the module that the configuration takes as `jobs`
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
  const of = `job ${definition.name}`;
  if (queue !== undefined) parseText(queue, `${of}: queue`, 200);
  if (priority !== undefined) checkPriority(priority, `${of}: priority`);
  if (maxAttempts !== undefined) checkMaxAttempts(maxAttempts, `${of}: maxAttempts`);
  if (timeout !== undefined && parseDuration(timeout, `${of}: timeout`) === 0)
    throw new InvalidValueError(`${of}: timeout`, "is 0: give the longest time that an attempt may take");
  if (unique !== undefined) checkUnique(unique, `${of}: unique`);
  for (const [state, kept] of Object.entries(retention)) parseDuration(kept, `${of}: retention.${state}`);
  // The compiler cannot tell which of both `run` is.
  return Object.freeze({ ...definition, kind: "job", run: definition.run as never });
}

/** Tells a definition from whatever else a module exports. */
export function isJobDefinition(value: unknown): value is JobDefinition {
  return isDefinition(value, "job");
}

/** Whether it is what `defineJob` or `defineEvent` returned, in whichever copy of this package. */
export function isDefinition(value: unknown, kind: "job" | "event"): value is { name: string } {
  if (typeof value !== "object" || value === null || !("name" in value && "payload" in value)) return false;
  return "kind" in value && value.kind === kind && isValidator(value.payload);
}

function isValidator(value: unknown): boolean {
  return value !== null && (typeof value === "object" || typeof value === "function") && "~standard" in value;
}

/** @throws InvalidValueError for what is no definition of a job, such as that of an event */
export function checkJobDefinition(value: unknown): asserts value is JobDefinition {
  if (isJobDefinition(value)) return;
  const problem = isDefinition(value, "event")
    ? `is the event ${value.name}: pass it to publish(db, event, payload)`
    : `is ${describeValue(value)}: pass what defineJob({ … }) returned`;
  throw new InvalidValueError("job", problem);
}

export function checkPriority(priority: number, what: string): number {
  if (!Number.isInteger(priority) || priority < 0 || priority > 9) {
    throw new InvalidValueError(what, `is ${describeValue(priority)}: give a whole number from 0 (first) to 9 (last)`);
  }
  return priority;
}

export function checkMaxAttempts(maxAttempts: number, what: string): number {
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > 1_000_000) {
    throw new InvalidValueError(what, `is ${describeValue(maxAttempts)}: give a whole number from 1 to 1000000`);
  }
  return maxAttempts;
}

/**
 * How long finished jobs are kept, by the state they ended in. One whose unique key is held past its end is deleted up to an
 * hour after the key has expired.
 */
export interface Retention {
  /** Default `"24h"`. 0 deletes a completed job as it is settled, unless a foreign key references the jobs. */
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

/** Types a handler that lives in a file of its own; goes into the configuration's `handlers`. */
export function defineHandler<J extends JobDefinition, Tx = Queryable>(
  job: J,
  run: HandlerFunction<PayloadOutput<J>, ResultInput<J>, Tx>,
): Handler<J, Tx> {
  return { job, run };
}
