// Texts for people. The words are English, so the numbers and dates are too; the zone is the reader's.
const locale = "en-GB";
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const exactFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
const shortFormat = new Intl.DateTimeFormat(locale, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const clockFormat = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** As many or more are counted as this many. */
const maxCounted = 10_000;

export const count = (n: number): string => whole.format(n);

/** A count that goes no further. */
export const capped = (n: number): string => (n >= maxCounted ? `${count(maxCounted)}+` : count(n));

export const plural = (n: number, one: string, many = `${one}s`): string => `${capped(n)} ${n === 1 ? one : many}`;

/** `0.04`, `3.2`, `1,200`: as many digits as say something. */
export function rate(n: number): string {
  if (n === 0) return "0";
  if (n < 0.01) return "<0.01";
  return new Intl.NumberFormat(locale, { maximumFractionDigits: n < 1 ? 2 : n < 100 ? 1 : 0 }).format(n);
}

/** A span of time, its two largest units: `340 ms`, `1.2 s`, `3 min 5 s`, `2 d 4 h`. */
export function span(ms: number): string {
  if (ms < 0) return span(0);
  if (ms < 1) return ms === 0 ? "0 ms" : "<1 ms";
  if (Math.round(ms) < second) return `${Math.round(ms)} ms`;
  if (ms < 10 * second) return `${(ms / second).toFixed(1)} s`;
  if (ms < minute) return `${Math.floor(ms / second)} s`;
  if (ms < hour) return units(ms, minute, "min", second, "s");
  if (ms < day) return units(ms, hour, "h", minute, "min");
  return units(ms, day, "d", hour, "h");
}

function units(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${largeName}${rest === 0 ? "" : ` ${rest} ${smallName}`}`;
}

/** Seconds, as charts have them. */
export const seconds = (s: number): string => span(s * second);

/** `now`, `12 s ago`, `in 3 min`. */
export function relative(at: string, now: number): string {
  const ms = now - Date.parse(at);
  if (Math.abs(ms) < second) return "now";
  const distance = max(Math.abs(ms));
  return ms > 0 ? `${distance} ago` : `in ${distance}`;
}

function max(ms: number): string {
  if (ms < minute) return `${Math.floor(ms / second)} s`;
  if (ms < hour) return `${Math.floor(ms / minute)} min`;
  if (ms < 2 * day) return `${Math.floor(ms / hour)} h`;
  return `${Math.floor(ms / day)} d`;
}

/** With seconds, in the reader's zone. */
export const exact = (at: string): string => exactFormat.format(new Date(at));
/** `3 May, 10:12`. */
export const short = (at: string): string => shortFormat.format(new Date(at));
export const clock = (at: string): string => clockFormat.format(new Date(at));

/** The mark of a chart's time axis: the day at midnight, else the time. @param step seconds between two marks */
export function axisTime(at: number, step: number): string {
  const date = new Date(at * second);
  const midnight = date.getHours() === 0 && date.getMinutes() === 0;
  if (midnight || step >= 86_400) return date.toLocaleDateString(locale, { day: "numeric", month: "short" });
  if (step < 60) return clockFormat.format(date);
  return date.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
}

/** The size of a text as JSON. */
export function size(characters: number): string {
  if (characters < 1_000) return plural(characters, "character");
  return characters < 1_000_000 ? `${rate(characters / 1_000)} kB` : `${rate(characters / 1_000_000)} MB`;
}
