import { type CronExpression, CronExpressionParser } from "cron-parser";
import { describeError, InvalidValueError, describeValue } from "../core/errors.js";
import { type TimeZone, timeZoneOf } from "./time-zone.js";

const hoursOfDay = 24;

/**
 * The ticks of a cron expression after a time, in milliseconds since 1970.
 *
 * The parser is asked for wall times alone, and each is looked up in the time zone here. Where the clocks go forward, the
 * ticks they pass over become one, at that moment; where they go back, a tick is not repeated. An expression that has ticks in
 * every hour keeps to the time that passes instead: a quarter of an hour is one on these nights, too.
 */
export function cronTicks(cron: string, timeZone: string, afterMs: number): Generator<number, never> {
  const zone = timeZoneOf(timeZone);
  const expression = CronExpressionParser.parse(cron, { tz: "UTC" });
  const everyHour = expression.fields.hour.values.length === hoursOfDay;
  return everyHour ? ticksAsTimePasses(expression, zone, afterMs) : ticksByTheClock(expression, zone, afterMs);
}

function* ticksByTheClock(expression: CronExpression, zone: TimeZone, afterMs: number): Generator<number, never> {
  const walls = wallTicks(expression, afterMs + zone.offsetAt(afterMs));
  for (let lastMs = afterMs; ;) {
    const tickMs = zone.instantOf(walls.next().value);
    if (tickMs <= lastMs) continue;
    lastMs = tickMs;
    yield tickMs;
  }
}

function* ticksAsTimePasses(expression: CronExpression, zone: TimeZone, afterMs: number): Generator<number, never> {
  for (let fromMs = afterMs + 1; ;) {
    const offset = zone.offsetAt(fromMs);
    for (const wallMs of wallTicks(expression, fromMs - 1 + offset)) {
      const tickMs = wallMs - offset;
      if (zone.offsetAt(tickMs) !== offset) {
        // From the change on the clocks show other times: a tick may be just there.
        fromMs = zone.changeBetween(fromMs, tickMs);
        break;
      }
      fromMs = tickMs;
      yield tickMs;
    }
  }
}

function* wallTicks(expression: CronExpression, afterMs: number): Generator<number, never> {
  expression.reset(new Date(afterMs));
  for (;;) yield expression.next().getTime();
}

/**
 * Checks a cron expression and its time zone.
 *
 * @throws InvalidValueError naming which of them is wrong
 */
export function checkCron(cron: unknown, timeZone: unknown): void {
  const example = 'give five fields such as "0 2 * * *", or six with seconds first';
  if (typeof cron !== "string") throw new InvalidValueError("cron", `is ${describeValue(cron)}: ${example}`);
  // The parser takes fewer, and fills them in; H is a random number of its own for each process.
  if (!/^(@\w+|(\S+\s+){4,5}\S+)$/.test(cron.trim()))
    throw new InvalidValueError("cron", `is ${describeValue(cron)}: ${example}`);
  if (/\bH\b/i.test(cron)) throw new InvalidValueError("cron", `is ${describeValue(cron)}: H is not supported, give a jitter`);
  try {
    timeZoneOf(timeZone as string);
  } catch {
    throw new InvalidValueError(
      "timeZone",
      `is ${describeValue(timeZone)}, which is no time zone: give a name such as "Europe/Berlin"`,
    );
  }
  try {
    cronTicks(cron, timeZone as string, 0).next();
  } catch (error) {
    throw new InvalidValueError("cron", `is ${describeValue(cron)}, which has no ticks (${describeError(error)}): ${example}`);
  }
}
