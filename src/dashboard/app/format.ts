// Formats values for people. The page is in English, so numbers and dates are, too. Times are in the reader's time zone.
const locale = "en-GB";
const numberFormat = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const dateTimeFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
const shortDateTimeFormat = new Intl.DateTimeFormat(locale, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const clockFormat = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The server stops counting at this number. */
const maxCount = 10_000;

export const formatNumber = (n: number): string => numberFormat.format(n);

/** Formats a count of the server. At its limit, the count is a lower bound: `10,000+`. */
export const formatCount = (n: number): string => (n >= maxCount ? `${formatNumber(maxCount)}+` : formatNumber(n));

export const pluralize = (n: number, one: string, many = `${one}s`): string =>
  `${formatCount(n)} ${n === 1 ? one : many}`;

/** Formats a rate with the digits that matter: `0.04`, `3.2`, `1,200`. */
export function formatRate(n: number): string {
  if (n === 0) return "0";
  if (n < 0.01) return "<0.01";
  return new Intl.NumberFormat(locale, { maximumFractionDigits: n < 1 ? 2 : n < 100 ? 1 : 0 }).format(n);
}

/** Formats a duration in its two largest units: `340 ms`, `1.2 s`, `3 min 5 s`, `2 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return formatDuration(0);
  if (ms < 1) return ms === 0 ? "0 ms" : "<1 ms";
  if (Math.round(ms) < secondMs) return `${Math.round(ms)} ms`;
  if (ms < 10 * secondMs) return `${(ms / secondMs).toFixed(1)} s`;
  if (ms < minuteMs) return `${Math.floor(ms / secondMs)} s`;
  if (ms < hourMs) return formatUnits(ms, minuteMs, "min", secondMs, "s");
  if (ms < dayMs) return formatUnits(ms, hourMs, "h", minuteMs, "min");
  return formatUnits(ms, dayMs, "d", hourMs, "h");
}

function formatUnits(ms: number, largeMs: number, largeName: string, smallMs: number, smallName: string): string {
  const rest = Math.floor((ms % largeMs) / smallMs);
  return `${Math.floor(ms / largeMs)} ${largeName}${rest === 0 ? "" : ` ${rest} ${smallName}`}`;
}

/** Formats a duration in seconds, the unit of charts. */
export const formatSeconds = (s: number): string => formatDuration(s * secondMs);

/** Formats the distance from now: `now`, `12 s ago`, `in 3 min`. */
export function formatRelativeTime(at: string, now: number): string {
  const ms = now - Date.parse(at);
  if (Math.abs(ms) < secondMs) return "now";
  const distance = formatDistance(Math.abs(ms));
  return ms > 0 ? `${distance} ago` : `in ${distance}`;
}

function formatDistance(ms: number): string {
  if (ms < minuteMs) return `${Math.floor(ms / secondMs)} s`;
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)} min`;
  if (ms < 2 * dayMs) return `${Math.floor(ms / hourMs)} h`;
  return `${Math.floor(ms / dayMs)} d`;
}

/** Formats date and time with seconds: `3 May 2026, 10:12:00`. */
export const formatDateTime = (at: string): string => dateTimeFormat.format(new Date(at));
/** Formats date and time without year and seconds: `3 May, 10:12`. */
export const formatShortDateTime = (at: string): string => shortDateTimeFormat.format(new Date(at));
/** Formats the time of day: `10:12:00`. */
export const formatClockTime = (at: string): string => clockFormat.format(new Date(at));

/**
 * Formats a tick of a chart's time axis: the date at midnight, otherwise the time.
 * @param atSeconds seconds since 1970
 * @param stepSeconds seconds between two ticks
 */
export function formatAxisTime(atSeconds: number, stepSeconds: number): string {
  const date = new Date(atSeconds * secondMs);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  if (isMidnight || stepSeconds >= 86_400) return date.toLocaleDateString(locale, { day: "numeric", month: "short" });
  if (stepSeconds < 60) return clockFormat.format(date);
  return date.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
}

/** Formats the length of a JSON text: `340 characters`, `400 kB`. */
export function formatSize(characters: number): string {
  if (characters < 1_000) return pluralize(characters, "character");
  return characters < 1_000_000 ? `${formatRate(characters / 1_000)} kB` : `${formatRate(characters / 1_000_000)} MB`;
}
