import { type Duration, parseDuration } from "../../core/duration.js";
import { InvalidValueError, describeValue } from "../../core/errors.js";

/**
 * Which jobs of a definition are the same one, for how long, and what becomes of the second.
 *
 * `keep` and `error` leave the job that holds the key alone. `replace` and `reschedule` change it, which only a job that
 * waits can be: so their key is always freed as the job starts, and what is enqueued from then on is a job of its own.
 */
export type UniqueSettings<In> = UniqueBy<In> & (LeavesHolder | Replaces | Reschedules);

interface UniqueBy<In> {
  /**
   * What makes two jobs the same: these properties of the payload as it is passed to `enqueue`, or a text made of it.
   * `[]`: all jobs of the definition are the same. A text of null: this one is like no other.
   */
  readonly by: readonly PropertyOf<In>[] | ((payload: In) => string | null);
}

interface LeavesHolder {
  /** The second job is not enqueued: `"keep"` returns the first, `"error"` throws a `DuplicateJobError`. Default `"keep"`. */
  readonly onConflict?: "keep" | "error";
  /** When the key is freed: as its job starts, or as it finishes. Default `"finished"`. */
  readonly until?: "started" | "finished";
  /** The key is held for at least this long after the enqueue, whatever becomes of the job: no more than one per key and window. */
  readonly within?: Duration;
  readonly maxWait?: never;
}

interface Replaces {
  /** The waiting job gets the payload, tags, meta and `maxAttempts` of the second, and keeps its time, queue and priority. */
  readonly onConflict: "replace";
  readonly until?: "started";
  readonly within?: never;
  readonly maxWait?: never;
}

interface Reschedules {
  /** The waiting job becomes the second in all but its id: its time is moved, too. Each enqueue says `delay` or `runAt`. */
  readonly onConflict: "reschedule";
  readonly until?: "started";
  readonly within?: never;
  /** How long after the first enqueue the job becomes due at the latest. Default: no limit. */
  readonly maxWait?: Duration;
}

type PropertyOf<In> = In extends readonly unknown[] ? never : In extends object ? keyof In & string : never;

/** These settings with their defaults: what each new job takes along. */
export interface UniqueRule {
  readonly onConflict: "keep" | "error" | "replace" | "reschedule";
  readonly uniqueUntil: "started" | "finished";
  /** Null for no limit, as the next one. */
  readonly withinMs: number | null;
  readonly maxWaitMs: number | null;
}

const defaultRule: UniqueRule = { onConflict: "keep", uniqueUntil: "finished", withinMs: null, maxWaitMs: null };

export function uniqueRule<In>(settings: UniqueSettings<In> | undefined): UniqueRule {
  if (!settings) return defaultRule;
  const { onConflict = "keep", within, maxWait } = settings;
  return {
    onConflict,
    uniqueUntil: settings.until ?? (changesHolder(onConflict) ? "started" : "finished"),
    withinMs: within === undefined ? null : parseDuration(within, "unique.within"),
    maxWaitMs: maxWait === undefined ? null : parseDuration(maxWait, "unique.maxWait"),
  };
}

/** Whether a conflict changes the job that holds the key. */
export function changesHolder(onConflict: UniqueRule["onConflict"]): onConflict is "replace" | "reschedule" {
  return onConflict === "replace" || onConflict === "reschedule";
}

/**
 * Checks what the compiler does for those who use it.
 *
 * @param what names the settings in the error
 * @throws InvalidValueError for a setting that is none, or does not go with another
 */
export function checkUnique<In>(settings: UniqueSettings<In>, what: string): void {
  const { by, until, within, onConflict = "keep", maxWait } = settings;
  const refuse = (name: string, problem: string): never => {
    throw new InvalidValueError(`${what}.${name}`, problem);
  };
  if (typeof by !== "function" && !(Array.isArray(by) && by.every((name) => typeof name === "string")))
    refuse("by", `is ${describeValue(by)}: give a list of the payload's properties, or a function that makes a text of it`);
  if (!["keep", "error", "replace", "reschedule"].includes(onConflict))
    refuse("onConflict", `is ${describeValue(onConflict)}: give "keep", "error", "replace" or "reschedule"`);
  if (until !== undefined && until !== "started" && until !== "finished")
    refuse("until", `is ${describeValue(until)}: give "started" or "finished"`);
  if (changesHolder(onConflict) && (until as string) === "finished")
    refuse("until", `is "finished", but a job that runs cannot be changed: with "${onConflict}", leave it out`);
  if (changesHolder(onConflict) && within !== undefined)
    refuse("within", `does not go with "${onConflict}": for no more than one job per window, take "keep" or "error"`);
  if (onConflict !== "reschedule" && maxWait !== undefined)
    refuse("maxWait", `does not go with "${onConflict}": only "reschedule" moves a job's time`);
  if (within !== undefined && parseDuration(within, `${what}.within`) === 0) refuse("within", "is 0: leave it out");
  if (maxWait !== undefined && parseDuration(maxWait, `${what}.maxWait`) === 0)
    refuse("maxWait", "is 0: nothing could be moved");
}
