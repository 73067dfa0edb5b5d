import { type Duration, milliseconds } from "../core/duration.js";
import { InvalidValueError } from "../core/errors.js";
import { storableText, toJson } from "../core/json.js";
import { checkMaxAttempts, checkPriority, type JobDefinition } from "./define-job.js";
import { storedUniqueKey } from "./unique-key.js";
import { validate } from "./validate.js";

/** Options of one enqueued job; each overrides the definition's own. */
export interface EnqueueOptions {
  /** Not before this time; a time in the past means now. */
  readonly runAt?: Date;
  /** Not before this long from now. Not together with `runAt`. */
  readonly delay?: Duration;
  /** 0 runs first, 9 last. */
  readonly priority?: number;
  readonly queue?: string;
  readonly maxAttempts?: number;
  /** At most one unfinished job of this definition holds a key: enqueued again, that job is returned. `null` for no key. */
  readonly uniqueKey?: string | null;
  /** Words to find the job by. */
  readonly tags?: readonly string[];
  /** Whatever should travel with the job, such as a trace context. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** A job that was enqueued, or the one that held its unique key already. */
export interface Enqueued<Name extends string = string> {
  readonly id: number;
  readonly name: Name;
  /** True when an unfinished job held the key, and is the one named here. */
  readonly deduplicated: boolean;
}

/** A checked job, ready to insert. */
export interface NewJob {
  readonly name: string;
  readonly queue: string;
  readonly priority: number;
  readonly maxAttempts: number;
  /** Payload, tags and meta are JSON texts. */
  readonly payload: string;
  readonly tags: string;
  readonly meta: string;
  /** Milliseconds since 1970, or undefined. */
  readonly runAtMs: number | undefined;
  readonly delayMs: number | undefined;
  readonly uniqueKey: string | undefined;
}

/**
 * Checks a payload and its options.
 *
 * @param what names the payload in the error
 * @throws InvalidValueError before any SQL, naming the path of what is wrong
 */
export async function newJob<In>(
  job: JobDefinition<string, In>,
  payload: In,
  options: EnqueueOptions,
  what = "payload",
): Promise<NewJob> {
  try {
    const json = toJson(payload, what);
    await validate(job.payload, payload, what);
    return { payload: json, ...checkedOptions(job, payload, options) };
  } catch (error) {
    throw error instanceof InvalidValueError ? error.of(`job ${job.name}`) : error;
  }
}

function checkedOptions<In>(
  job: JobDefinition<string, In>,
  payload: In,
  options: EnqueueOptions,
): Omit<NewJob, "payload"> {
  const { runAt, delay, tags = [], meta = {} } = options;
  if (runAt !== undefined && delay !== undefined) {
    throw new InvalidValueError("options.runAt", "stands beside options.delay: give one of them");
  }
  if (runAt !== undefined && !(runAt instanceof Date && Number.isFinite(runAt.getTime()))) {
    throw new InvalidValueError("options.runAt", `is ${String(runAt)}: give a valid Date`);
  }
  const key = options.uniqueKey === undefined ? job.uniqueKey?.(payload) : options.uniqueKey;
  return {
    name: job.name,
    queue: storableText(options.queue ?? job.queue ?? "default", "options.queue", 200),
    priority: checkPriority(options.priority ?? job.priority ?? 5, "options.priority"),
    maxAttempts: checkMaxAttempts(options.maxAttempts ?? job.maxAttempts ?? 10, "options.maxAttempts"),
    tags: toJson(
      tags.map((tag, i) => storableText(tag, `options.tags[${i}]`, 200)),
      "options.tags",
    ),
    meta: toJson(meta, "options.meta"),
    runAtMs: runAt?.getTime(),
    delayMs: delay === undefined ? undefined : milliseconds(delay, "options.delay"),
    uniqueKey: key == null ? undefined : storedUniqueKey(job.name, key),
  };
}
