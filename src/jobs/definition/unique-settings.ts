import { type Duration, parseDurationMs } from "../../core/duration.js";
import { InvalidValueError, describeValue } from "../../core/errors.js";

/**
 * Which jobs of a definition are duplicates, for how long, and what an enqueue does with a duplicate.
 *
 * `keep` and `error` do not change the job that holds the key. `replace` and `reschedule` change it, which is possible only while
 * it waits. Their key is therefore always freed when the job starts, and an enqueue after that inserts a separate job.
 */
export type UniqueSettings<In> = UniqueBy<In> & (KeepOrError | Replace | Reschedule);

interface UniqueBy<In> {
  /**
   * The key of a job: these properties of the payload as it is passed to `enqueue`, or a string computed from the payload. With
   * `[]`, all jobs of the definition are duplicates. If the function returns null, the job has no key.
   */
  readonly by: readonly PropertyOf<In>[] | ((payload: In) => string | null);
}

interface KeepOrError {
  /** A duplicate is not enqueued: `"keep"` returns the existing job, `"error"` throws a `DuplicateJobError`. Default `"keep"`. */
  readonly onConflict?: "keep" | "error";
  /** When the key is freed: when its job starts, or when its job finishes. Default `"finished"`. */
  readonly until?: "started" | "finished";
  /**
   * Holds the key for at least this long after the enqueue, even if the job finishes earlier: at most one job per key and window.
   */
  readonly within?: Duration;
  readonly maxWait?: never;
}

interface Replace {
  /** The waiting job gets the payload, tags, meta and `maxAttempts` of the duplicate, and keeps its time, queue and priority. */
  readonly onConflict: "replace";
  readonly until?: "started";
  readonly within?: never;
  readonly maxWait?: never;
}

interface Reschedule {
  /**
   * The waiting job takes over everything from the duplicate except the id, including its time. Each enqueue must set `delay` or
   * `runAt`.
   */
  readonly onConflict: "reschedule";
  readonly until?: "started";
  readonly within?: never;
  /** The maximum time from the first enqueue until the job becomes due. Default: no limit. */
  readonly maxWait?: Duration;
}

type PropertyOf<In> = In extends readonly unknown[] ? never : In extends object ? keyof In & string : never;

/** The settings with their defaults, as each new job carries them. */
export interface UniqueRule {
  readonly onConflict: "keep" | "error" | "replace" | "reschedule";
  readonly uniqueUntil: "started" | "finished";
  /** Null for no window. */
  readonly withinMs: number | null;
  /** Null for no limit. */
  readonly maxWaitMs: number | null;
}

const defaultRule: UniqueRule = { onConflict: "keep", uniqueUntil: "finished", withinMs: null, maxWaitMs: null };

export function toUniqueRule<In>(settings: UniqueSettings<In> | undefined): UniqueRule {
  if (!settings) return defaultRule;
  const { onConflict = "keep", within, maxWait } = settings;
  return {
    onConflict,
    uniqueUntil: settings.until ?? (changesHolder(onConflict) ? "started" : "finished"),
    withinMs: within === undefined ? null : parseDurationMs(within, "unique.within"),
    maxWaitMs: maxWait === undefined ? null : parseDurationMs(maxWait, "unique.maxWait"),
  };
}

/** Whether a conflict changes the job that holds the key. */
export function changesHolder(onConflict: UniqueRule["onConflict"]): onConflict is "replace" | "reschedule" {
  return onConflict === "replace" || onConflict === "reschedule";
}

/**
 * Checks the settings at run time, for callers without a compiler.
 *
 * @param what names the settings in the error
 * @throws InvalidValueError for an unknown value, or for settings that exclude each other
 */
export function checkUnique<In>(settings: UniqueSettings<In>, what: string): void {
  const { by, until, within, onConflict = "keep", maxWait } = settings;
  const refuse = (name: string, problem: string): never => {
    throw new InvalidValueError(`${what}.${name}`, problem);
  };
  if (typeof by !== "function" && !(Array.isArray(by) && by.every((name) => typeof name === "string")))
    refuse(
      "by",
      `is ${describeValue(by)}: give a list of the payload's properties, or a function that makes a text of it`,
    );
  if (!["keep", "error", "replace", "reschedule"].includes(onConflict))
    refuse("onConflict", `is ${describeValue(onConflict)}: give "keep", "error", "replace" or "reschedule"`);
  if (until !== undefined && until !== "started" && until !== "finished")
    refuse("until", `is ${describeValue(until)}: give "started" or "finished"`);
  if (changesHolder(onConflict) && (until as string) === "finished")
    refuse("until", `is "finished", but a job that runs cannot be changed: with "${onConflict}", leave it out`);
  if (changesHolder(onConflict) && within !== undefined)
    refuse("within", `does not go with "${onConflict}": for at most one job per window, use "keep" or "error"`);
  if (onConflict !== "reschedule" && maxWait !== undefined)
    refuse("maxWait", `does not go with "${onConflict}": only "reschedule" moves a job's time`);
  if (within !== undefined && parseDurationMs(within, `${what}.within`) === 0) refuse("within", "is 0: leave it out");
  if (maxWait !== undefined && parseDurationMs(maxWait, `${what}.maxWait`) === 0)
    refuse("maxWait", "is 0: no enqueue could reschedule the job; leave it out for no limit");
}
