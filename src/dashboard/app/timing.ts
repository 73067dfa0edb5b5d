import { span } from "./format.js";

const weekdays = ["Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];

/** A schedule's rhythm in words, where that is short: `0 2 * * *` is `daily at 02:00`. Else null. */
export function describeTiming(timing: string): string | null {
  const [, distance] = /^every (\d+(?:\.\d+)?) s$/.exec(timing) ?? [];
  if (distance !== undefined) return `every ${span(Number(distance) * 1_000)}`;
  const fields = timing.trim().split(/\s+/);
  if (fields.length !== 5) return null;
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string];
  if (month !== "*") return null;
  const daily = day === "*" && weekday === "*";

  const everyMinutes = /^\*(?:\/(\d+))?$/.exec(minute);
  if (everyMinutes && hour === "*" && daily) return every(everyMinutes[1], "minute");
  if (!isNumber(minute)) return null;

  const everyHours = /^\*(?:\/(\d+))?$/.exec(hour);
  if (everyHours && daily) return `${every(everyHours[1], "hour")} at :${minute.padStart(2, "0")}`;
  if (!isNumber(hour)) return null;

  const time = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (daily) return `daily at ${time}`;
  if (day === "*" && weekday === "1-5") return `on weekdays at ${time}`;
  if (day === "*" && isNumber(weekday))
    return weekdays[Number(weekday)] ? `${weekdays[Number(weekday)]} at ${time}` : null;
  if (weekday === "*" && isNumber(day)) return `on day ${day} of each month at ${time}`;
  return null;
}

const isNumber = (field: string) => /^\d+$/.test(field);

const every = (n: string | undefined, unit: string) =>
  n === undefined || n === "1" ? `every ${unit}` : `every ${n} ${unit}s`;
