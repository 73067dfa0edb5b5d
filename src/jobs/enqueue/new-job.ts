import { callHook } from "../../core/call-hook.js";
import { type Duration, parseDuration } from "../../core/duration.js";
import { InvalidValueError, describeValue } from "../../core/errors.js";
import { parseText, toJson } from "../../core/json.js";
import { checkJobDefinition, checkMaxAttempts, checkPriority, type JobDefinition } from "../definition/define-job.js";
import { keyOfProperties, storedUniqueKey } from "../row/unique-key.js";
import { type UniqueRule, uniqueRule } from "../definition/unique-settings.js";
import { validate } from "../definition/validate.js";

/** Options of one enqueued job; each overrides the definition's own. */
export interface EnqueueOptions {
  /** Not before this time; a time in the past means now. */
  readonly runAt?: Date;
  /** Not before this long from now. Not together with `runAt`. */
  readonly delay?: Duration;
  /**
   * How long it may wait for its first attempt: a job that has not begun one by then is cancelled, for the reason "expired". Counts
   * from the enqueue, also where the job has a `delay`. A snoozed job has not used its attempt, and expires, too. By default a job
   * waits as long as it must.
   */
  readonly expiresIn?: Duration;
  /** 0 runs first, 9 last. */
  readonly priority?: number;
  readonly queue?: string;
  readonly maxAttempts?: number;
  /** A key of this job's own, in place of what the definition's `unique.by` makes; what else that says applies. `null` for no key. */
  readonly uniqueKey?: string | null;
  /** Words to find the job by. */
  readonly tags?: readonly string[];
  /** Whatever should travel with the job, such as a trace context. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** A job that was enqueued, or the one that holds its unique key. */
export interface Enqueued<Name extends string = string> {
  readonly id: number;
  readonly name: Name;
  /** True when a job held the key before, and is the one named here. */
  readonly deduplicated: boolean;
}

/** Checked options, with the definition's own where they say nothing: what many jobs may share. */
export interface JobOptions extends UniqueRule {
  readonly name: string;
  readonly queue: string;
  readonly priority: number;
  readonly maxAttempts: number;
  /** JSON texts. */
  readonly tags: string;
  readonly meta: string;
  /** Milliseconds since 1970; null for none, as the next ones. */
  readonly runAtMs: number | null;
  readonly delayMs: number | null;
  readonly expiresInMs: number | null;
  /** As it is stored; undefined where each payload makes its own. */
  readonly uniqueKey: string | null | undefined;
}

/** A checked job, ready to insert. */
export interface NewJob {
  readonly options: JobOptions;
  /** A JSON text. */
  readonly payload: string;
  /** As it is stored; null for none. */
  readonly uniqueKey: string | null;
}

/**
 * Checks the definition and the options of a job, or of many.
 *
 * @param what names the options in the error
 * @throws InvalidValueError naming the path of what is wrong
 */
export function checkOptions(job: JobDefinition, options: EnqueueOptions, what = "options"): JobOptions {
  checkJobDefinition(job);
  if (typeof options !== "object" || options === null)
    throw new InvalidValueError(what, `is ${describeValue(options)}: give an object`, `job ${job.name}: `);
  try {
    const { runAt, delay, expiresIn, tags = [], meta = {}, uniqueKey } = options;
    if (runAt !== undefined && delay !== undefined)
      throw new InvalidValueError(`${what}.runAt`, `stands beside ${what}.delay: give one of them`);
    if (runAt !== undefined && !(runAt instanceof Date))
      throw new InvalidValueError(`${what}.runAt`, `is ${describeValue(runAt)}: give a Date`);
    if (Number.isNaN(runAt?.getTime())) throw new InvalidValueError(`${what}.runAt`, "is an invalid Date");
    const rule = uniqueRule(job.unique);
    if (rule.onConflict === "reschedule" && runAt === undefined && delay === undefined)
      throw new InvalidValueError(`${what}.delay`, "is missing: each enqueue reschedules this job, so say for when");
    if (!Array.isArray(tags)) throw new InvalidValueError(`${what}.tags`, `is ${describeValue(tags)}: give a list of texts`);
    if (typeof meta !== "object" || meta === null || Array.isArray(meta))
      throw new InvalidValueError(`${what}.meta`, `is ${describeValue(meta)}: give an object`);
    return {
      ...rule,
      name: job.name,
      queue: parseText(options.queue ?? job.queue ?? "default", `${what}.queue`, 200),
      priority: checkPriority(options.priority ?? job.priority ?? 5, `${what}.priority`),
      maxAttempts: checkMaxAttempts(options.maxAttempts ?? job.maxAttempts ?? 10, `${what}.maxAttempts`),
      tags: toJson(
        Array.from(tags, (tag, i) => parseText(tag, `${what}.tags[${i}]`, 200)),
        `${what}.tags`,
      ),
      meta: toJson(meta, `${what}.meta`),
      // JavaScript's time begins before PostgreSQL's; whatever is past means now.
      runAtMs: runAt ? Math.max(0, runAt.getTime()) : null,
      delayMs: delay === undefined ? null : parseDuration(delay, `${what}.delay`),
      expiresInMs: expiresIn === undefined ? null : parseDuration(expiresIn, `${what}.expiresIn`),
      uniqueKey: uniqueKey == null ? uniqueKey : storedUniqueKey(job.name, uniqueKey, `${what}.uniqueKey`),
    };
  } catch (error) {
    throw ofJob(job, error);
  }
}

/**
 * Checks a payload.
 *
 * @param what names the payload in the error
 * @throws InvalidValueError naming the path of what is wrong
 */
export async function newJob<In>(
  job: JobDefinition<string, In>,
  payload: In,
  options: JobOptions,
  what = "payload",
): Promise<NewJob> {
  try {
    const json = toJson(payload, what);
    await validate(job.payload, payload, what);
    const { uniqueKey = ownKey(job, payload, json) } = options;
    return { options, payload: json, uniqueKey };
  } catch (error) {
    throw ofJob(job, error);
  }
}

/** Tells the definition that a job was inserted. */
export function tellEnqueued<In>(job: JobDefinition<string, In>, id: number, payload: In): void {
  const { name, onEnqueued } = job;
  if (onEnqueued) callHook(`onEnqueued of the job ${name}`, onEnqueued, { id, name }, payload);
}

function ownKey<In>({ name, unique }: JobDefinition<string, In>, payload: In, json: string): string | null {
  if (!unique) return null;
  const key = typeof unique.by === "function" ? unique.by(payload) : keyOfProperties(unique.by, json);
  return key === null ? null : storedUniqueKey(name, key, "unique.by");
}

function ofJob({ name }: JobDefinition, error: unknown): unknown {
  return error instanceof InvalidValueError ? error.of(`job ${name}`) : error;
}
