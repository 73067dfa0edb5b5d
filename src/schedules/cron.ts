import { type CronExpression, CronExpressionParser } from "cron-parser";
import { describeError, InvalidValueError, describeValue } from "../core/errors.js";
import { type TimeZone, getTimeZone } from "./time-zone.js";

const hoursPerDay = 24;

/**
 * Generates the ticks of a cron expression after a time, in milliseconds since 1970.
 *
 * The parser computes only wall times, and each is converted to the time zone here. When the clocks go forward, the
 * skipped ticks become one tick, at the moment of the change. When they go back, no tick is repeated. An expression
 * with ticks in every hour follows elapsed time instead: ticks every 15 minutes stay 15 minutes apart on these nights,
 * too.
 */
export function generateCronTicks(cron: string, timeZone: string, afterMs: number): Generator<number, never> {
  const zone = getTimeZone(timeZone);
  const expression = CronExpressionParser.parse(cron, { tz: "UTC" });
  const hasTicksEveryHour = expression.fields.hour.values.length === hoursPerDay;
  return hasTicksEveryHour
    ? generateElapsedTicks(expression, zone, afterMs)
    : generateWallClockTicks(expression, zone, afterMs);
}

function* generateWallClockTicks(
  expression: CronExpression,
  zone: TimeZone,
  afterMs: number,
): Generator<number, never> {
  const wallTicks = generateWallTicks(expression, afterMs + zone.getOffsetMs(afterMs));
  for (let previousMs = afterMs; ;) {
    const tickMs = zone.toInstantMs(wallTicks.next().value);
    if (tickMs <= previousMs) continue;
    previousMs = tickMs;
    yield tickMs;
  }
}

function* generateElapsedTicks(expression: CronExpression, zone: TimeZone, afterMs: number): Generator<number, never> {
  for (let fromMs = afterMs + 1; ;) {
    const offsetMs = zone.getOffsetMs(fromMs);
    for (const wallMs of generateWallTicks(expression, fromMs - 1 + offsetMs)) {
      const tickMs = wallMs - offsetMs;
      if (zone.getOffsetMs(tickMs) !== offsetMs) {
        // The offset changes before this tick. Start over at the change: a tick may fall exactly on it.
        fromMs = zone.findChangeMs(fromMs, tickMs);
        break;
      }
      fromMs = tickMs;
      yield tickMs;
    }
  }
}

function* generateWallTicks(expression: CronExpression, afterMs: number): Generator<number, never> {
  expression.reset(new Date(afterMs));
  for (;;) yield expression.next().getTime();
}

/**
 * Checks a cron expression and its time zone.
 *
 * @throws InvalidValueError naming `cron` or `timeZone`
 */
export function checkCron(cron: unknown, timeZone: unknown): void {
  const example = 'give five fields such as "0 2 * * *", or six with seconds first';
  if (typeof cron !== "string") throw new InvalidValueError("cron", `is ${describeValue(cron)}: ${example}`);
  // The parser accepts fewer fields and fills them in. H is a random number, which differs between processes.
  if (!/^(@\w+|(\S+\s+){4,5}\S+)$/.test(cron.trim()))
    throw new InvalidValueError("cron", `is ${describeValue(cron)}: ${example}`);
  if (/\bH\b/i.test(cron))
    throw new InvalidValueError("cron", `is ${describeValue(cron)}: H is not supported, give a jitter`);
  try {
    getTimeZone(timeZone as string);
  } catch {
    throw new InvalidValueError(
      "timeZone",
      `is ${describeValue(timeZone)}, which is not a time zone: give a name such as "Europe/Berlin"`,
    );
  }
  try {
    generateCronTicks(cron, timeZone as string, 0).next();
  } catch (error) {
    throw new InvalidValueError(
      "cron",
      `is ${describeValue(cron)}, which has no ticks (${describeError(error)}): ${example}`,
    );
  }
}
