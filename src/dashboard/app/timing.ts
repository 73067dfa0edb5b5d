import { formatDuration } from "./format.js";

const weekdays = ["Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];

/** Describes a schedule's timing in words, such as `daily at 02:00` for `0 2 * * *`. Returns null where no short description exists. */
export function describeTiming(timing: string): string | null {
  const [, intervalSeconds] = /^every (\d+(?:\.\d+)?) s$/.exec(timing) ?? [];
  if (intervalSeconds !== undefined) return `every ${formatDuration(Number(intervalSeconds) * 1_000)}`;
  const fields = timing.trim().split(/\s+/);
  if (fields.length !== 5) return null;
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string];
  if (month !== "*") return null;
  const isDaily = day === "*" && weekday === "*";

  const everyMinutes = /^\*(?:\/(\d+))?$/.exec(minute);
  if (everyMinutes && hour === "*" && isDaily) return describeInterval(everyMinutes[1], "minute");
  if (!isNumber(minute)) return null;

  const everyHours = /^\*(?:\/(\d+))?$/.exec(hour);
  if (everyHours && isDaily) return `${describeInterval(everyHours[1], "hour")} at :${minute.padStart(2, "0")}`;
  if (!isNumber(hour)) return null;

  const time = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (isDaily) return `daily at ${time}`;
  if (day === "*" && weekday === "1-5") return `on weekdays at ${time}`;
  if (day === "*" && isNumber(weekday))
    return weekdays[Number(weekday)] ? `${weekdays[Number(weekday)]} at ${time}` : null;
  if (weekday === "*" && isNumber(day)) return `on day ${day} of each month at ${time}`;
  return null;
}

const isNumber = (field: string) => /^\d+$/.test(field);

const describeInterval = (n: string | undefined, unit: string) =>
  n === undefined || n === "1" ? `every ${unit}` : `every ${n} ${unit}s`;
