import { type Duration, parseDuration } from "../core/duration.js";
import { InvalidValueError, describeValue, checkObject } from "../core/errors.js";
import { checkCron, cronTicks } from "./cron.js";

/** When a schedule has its ticks: by a cron expression, or in equal distances. */
export type ScheduleTiming =
  | {
      /** Five fields, or six with seconds first: `"0 2 * * *"` is two o'clock each night. */
      readonly cron: string;
      /** Whose clocks the expression means, such as `"Europe/Berlin"`. Default `"UTC"`. */
      readonly timeZone?: string;
      readonly every?: never;
    }
  | {
      /** From one tick to the next, at least a second. The first is so long after the schedule was first seen. */
      readonly every: Duration;
      readonly cron?: never;
      readonly timeZone?: never;
    };

/** A rhythm as it is stored; one of `cron` and `everyMs` is null. */
export interface StoredTiming {
  readonly cron: string | null;
  readonly everyMs: number | null;
  readonly timeZone: string;
}

const minMs = 1_000;

/** @throws InvalidValueError naming what is wrong */
export function storeTiming({ cron, every, timeZone = "UTC" }: ScheduleTiming): StoredTiming {
  if ((cron === undefined) === (every === undefined))
    throw new InvalidValueError("cron", `and every: give one of them, not ${cron === undefined ? "none" : "both"}`);
  if (every === undefined) {
    checkCron(cron, timeZone);
    return { cron: cron as string, everyMs: null, timeZone };
  }
  const everyMs = parseDuration(every, "every");
  if (!Number.isInteger(everyMs) || everyMs < minMs)
    throw new InvalidValueError("every", `is ${describeValue(every)}: give a second or more, in whole milliseconds`);
  return { cron: null, everyMs, timeZone };
}

/**
 * The ticks that follow one of a rhythm, without end, in milliseconds since 1970.
 *
 * @param tickMs the tick that they follow: those of `every` keep their distance from it
 * @param afterMs leaves out those up to then
 */
export function* ticksAfter(
  { cron, everyMs, timeZone }: StoredTiming,
  tickMs: number,
  afterMs = tickMs,
): Generator<number, never> {
  if (cron !== null) return yield* cronTicks(cron, timeZone, Math.max(tickMs, afterMs));
  const every = everyMs ?? 0;
  // Plain SQL may have stored it: the ticks would never get anywhere.
  if (every < minMs) throw new InvalidValueError("every", `is ${every} ms: it must be a second or more`);
  for (let n = Math.max(0, Math.floor((afterMs - tickMs) / every)) + 1; ; n += 1) yield tickMs + n * every;
}

/**
 * The ticks that a schedule would have, were it defined at a moment.
 *
 * @param count how many
 * @param from that moment, by default now
 * @throws InvalidValueError if it is no rhythm
 */
export function previewTicks(timing: ScheduleTiming, count: number, from: Date = new Date()): Date[] {
  checkObject(timing, "rhythm", "give an object with `cron` or `every`");
  return take(ticksAfter(storeTiming(timing), from.getTime()), count);
}

/** The first of some ticks. */
export function take(ticks: Iterable<number>, count: number): Date[] {
  const taken: Date[] = [];
  if (count < 1) return taken;
  for (const tick of ticks) if (taken.push(new Date(tick)) === count) break;
  return taken;
}
