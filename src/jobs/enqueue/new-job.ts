import { callHook } from "../../core/call-hook.js";
import { type Duration, parseDurationMs } from "../../core/duration.js";
import { InvalidValueError, describeValue } from "../../core/errors.js";
import { parseText, toJson } from "../../core/json.js";
import { checkJobDefinition, parseMaxAttempts, parsePriority, type JobDefinition } from "../definition/define-job.js";
import { buildKey, toStoredKey } from "../row/unique-key.js";
import { type UniqueRule, toUniqueRule } from "../definition/unique-settings.js";
import { validate } from "../definition/validate.js";

/** Options of an enqueued job. Each overrides the definition's setting. */
export interface EnqueueOptions {
  /** The job does not start before this time. A time in the past means now. */
  readonly runAt?: Date;
  /** The job does not start before this much time has passed. Cannot be combined with `runAt`. */
  readonly delay?: Duration;
  /**
   * How long the job may wait for its first attempt. A job that has not started an attempt by then is cancelled, with the reason
   * "expired". Counts from the enqueue, even if the job has a `delay`. A snoozed job has not used its attempt, so it expires,
   * too. By default, jobs do not expire.
   */
  readonly expiresIn?: Duration;
  /** 0 runs first, 9 last. */
  readonly priority?: number;
  readonly queue?: string;
  readonly maxAttempts?: number;
  /**
   * The job's unique key, in place of the key from the definition's `unique.by`; the other `unique` settings apply. `null` for no
   * key.
   */
  readonly uniqueKey?: string | null;
  /** Words to search the job by. */
  readonly tags?: readonly string[];
  /** Additional data that travels with the job, such as a trace context. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** The enqueued job, or the existing job that holds its unique key. */
export interface Enqueued<Name extends string = string> {
  readonly id: number;
  readonly name: Name;
  /** True if an existing job held the key: `id` is the id of that job. */
  readonly deduplicated: boolean;
}

/** Parsed options, with the definition's settings as defaults. Many jobs may share them. */
export interface JobOptions extends UniqueRule {
  readonly name: string;
  readonly queue: string;
  readonly priority: number;
  readonly maxAttempts: number;
  /** JSON texts. */
  readonly tags: string;
  readonly meta: string;
  /** Milliseconds since 1970; null for none. */
  readonly runAtMs: number | null;
  /** Milliseconds; null for none. */
  readonly delayMs: number | null;
  /** Milliseconds; null for never. */
  readonly expiresInMs: number | null;
  /** As it is stored; undefined if the key depends on the payload. */
  readonly uniqueKey: string | null | undefined;
}

/** A validated job, ready to insert. */
export interface NewJob {
  readonly options: JobOptions;
  /** A JSON text. */
  readonly payload: string;
  /** As it is stored; null for none. */
  readonly uniqueKey: string | null;
}

/**
 * Parses the options of one or many jobs, after checking the definition.
 *
 * @param what names the options in the error
 * @throws InvalidValueError with the path of the invalid option
 */
export function parseOptions(job: JobDefinition, options: EnqueueOptions, what = "options"): JobOptions {
  checkJobDefinition(job);
  if (typeof options !== "object" || options === null)
    throw new InvalidValueError(what, `is ${describeValue(options)}: give an object`, `job ${job.name}: `);
  try {
    const rule = toUniqueRule(job.unique);
    checkOptions(options, rule, what);
    const { runAt, delay, expiresIn, tags = [], meta = {}, uniqueKey } = options;
    return {
      ...rule,
      name: job.name,
      queue: parseText(options.queue ?? job.queue ?? "default", `${what}.queue`, 200),
      priority: parsePriority(options.priority ?? job.priority ?? 5, `${what}.priority`),
      maxAttempts: parseMaxAttempts(options.maxAttempts ?? job.maxAttempts ?? 10, `${what}.maxAttempts`),
      tags: toJson(
        Array.from(tags, (tag, i) => parseText(tag, `${what}.tags[${i}]`, 200)),
        `${what}.tags`,
      ),
      meta: toJson(meta, `${what}.meta`),
      // JavaScript's dates begin before PostgreSQL's. Any time in the past means now.
      runAtMs: runAt ? Math.max(0, runAt.getTime()) : null,
      delayMs: delay === undefined ? null : parseDurationMs(delay, `${what}.delay`),
      expiresInMs: expiresIn === undefined ? null : parseDurationMs(expiresIn, `${what}.expiresIn`),
      uniqueKey: uniqueKey == null ? uniqueKey : toStoredKey(job.name, uniqueKey, `${what}.uniqueKey`),
    };
  } catch (error) {
    throw addJobName(job, error);
  }
}

/** @throws InvalidValueError for options of a wrong type, or that exclude each other */
function checkOptions(options: EnqueueOptions, rule: UniqueRule, what: string): void {
  const { runAt, delay, tags = [], meta = {} } = options;
  if (runAt !== undefined && delay !== undefined)
    throw new InvalidValueError(`${what}.runAt`, `cannot be combined with ${what}.delay: give one of them`);
  if (runAt !== undefined && !(runAt instanceof Date))
    throw new InvalidValueError(`${what}.runAt`, `is ${describeValue(runAt)}: give a Date`);
  if (Number.isNaN(runAt?.getTime())) throw new InvalidValueError(`${what}.runAt`, "is an invalid Date");
  if (rule.onConflict === "reschedule" && runAt === undefined && delay === undefined)
    throw new InvalidValueError(
      `${what}.delay`,
      "is missing: each enqueue reschedules this job, so give a delay or runAt",
    );
  if (!Array.isArray(tags))
    throw new InvalidValueError(`${what}.tags`, `is ${describeValue(tags)}: give a list of texts`);
  if (typeof meta !== "object" || meta === null || Array.isArray(meta))
    throw new InvalidValueError(`${what}.meta`, `is ${describeValue(meta)}: give an object`);
}

/**
 * Validates a payload, and returns the job to insert.
 *
 * @param what names the payload in the error
 * @throws InvalidValueError with the path of the invalid value
 */
export async function createNewJob<In>(
  job: JobDefinition<string, In>,
  payload: In,
  options: JobOptions,
  what = "payload",
): Promise<NewJob> {
  try {
    const json = toJson(payload, what);
    await validate(job.payload, payload, what);
    const { uniqueKey = buildUniqueKey(job, payload, json) } = options;
    return { options, payload: json, uniqueKey };
  } catch (error) {
    throw addJobName(job, error);
  }
}

/** Calls the definition's `onEnqueued`. */
export function notifyEnqueued<In>(job: JobDefinition<string, In>, id: number, payload: In): void {
  const { name, onEnqueued } = job;
  if (onEnqueued) callHook(`onEnqueued of the job ${name}`, onEnqueued, { id, name }, payload);
}

function buildUniqueKey<In>({ name, unique }: JobDefinition<string, In>, payload: In, json: string): string | null {
  if (!unique) return null;
  const key = typeof unique.by === "function" ? unique.by(payload) : buildKey(unique.by, json);
  return key === null ? null : toStoredKey(name, key, "unique.by");
}

function addJobName({ name }: JobDefinition, error: unknown): unknown {
  return error instanceof InvalidValueError ? error.of(`job ${name}`) : error;
}
