import { type Duration, parseDurationMs } from "../core/duration.js";
import { InvalidValueError, describeValue, checkObject } from "../core/errors.js";
import { checkCron, generateCronTicks } from "./cron.js";

/** The timing of a schedule: a cron expression, or a fixed interval. */
export type ScheduleTiming =
  | {
      /** Five fields, or six with seconds first: `"0 2 * * *"` is two o'clock each night. */
      readonly cron: string;
      /** The time zone of the expression, such as `"Europe/Berlin"`. Default `"UTC"`. */
      readonly timeZone?: string;
      readonly every?: never;
    }
  | {
      /**
       * The interval between ticks, at least a second. The first tick comes one interval after the schedule was first
       * seen.
       */
      readonly every: Duration;
      readonly cron?: never;
      readonly timeZone?: never;
    };

/** A timing as stored; exactly one of `cron` and `everyMs` is null. */
export interface StoredTiming {
  readonly cron: string | null;
  readonly everyMs: number | null;
  readonly timeZone: string;
}

const minEveryMs = 1_000;

/** @throws InvalidValueError naming the invalid setting */
export function parseTiming({ cron, every, timeZone = "UTC" }: ScheduleTiming): StoredTiming {
  if ((cron === undefined) === (every === undefined))
    throw new InvalidValueError(
      "cron",
      `and every: give exactly one of them, not ${cron === undefined ? "neither" : "both"}`,
    );
  if (every === undefined) {
    checkCron(cron, timeZone);
    return { cron: cron as string, everyMs: null, timeZone };
  }
  const everyMs = parseDurationMs(every, "every");
  if (!Number.isInteger(everyMs) || everyMs < minEveryMs)
    throw new InvalidValueError("every", `is ${describeValue(every)}: give a second or more, in whole milliseconds`);
  return { cron: null, everyMs, timeZone };
}

/**
 * Generates the ticks that follow a tick, without end, in milliseconds since 1970.
 *
 * @param tickMs the tick to continue from: the ticks of `every` are multiples of the interval after it
 * @param afterMs skips the ticks up to this time
 */
export function* generateTicksAfter(
  { cron, everyMs, timeZone }: StoredTiming,
  tickMs: number,
  afterMs = tickMs,
): Generator<number, never> {
  if (cron !== null) return yield* generateCronTicks(cron, timeZone, Math.max(tickMs, afterMs));
  const every = everyMs ?? 0;
  // Plain SQL may have stored such an interval, with which the loop would never advance.
  if (every < minEveryMs) throw new InvalidValueError("every", `is ${every} ms: it must be a second or more`);
  for (let n = Math.max(0, Math.floor((afterMs - tickMs) / every)) + 1; ; n += 1) yield tickMs + n * every;
}

/**
 * Previews the ticks that a schedule would have if it were defined at a given time.
 *
 * @param count the number of ticks
 * @param from the time of the definition, by default now
 * @throws InvalidValueError if the timing is invalid
 */
export function previewTicks(timing: ScheduleTiming, count: number, from: Date = new Date()): Date[] {
  checkObject(timing, "timing", "give an object with `cron` or `every`");
  return takeTicks(generateTicksAfter(parseTiming(timing), from.getTime()), count);
}

/** Returns the first `count` ticks as dates. */
export function takeTicks(ticks: Iterable<number>, count: number): Date[] {
  const dates: Date[] = [];
  if (count < 1) return dates;
  for (const tick of ticks) if (dates.push(new Date(tick)) === count) break;
  return dates;
}
