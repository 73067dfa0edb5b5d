/**
 * Converts times of a time zone. Times are milliseconds since 1970; a wall time is the zone's local time, read as if it
 * were UTC.
 */
export interface TimeZone {
  /** Returns how far the zone's clocks are ahead of UTC. */
  getOffsetMs(ms: number): number;
  /**
   * Converts a wall time to an instant. If the clocks show the time twice, returns the first instant. If they skip the
   * time, returns the moment of the change.
   */
  toInstantMs(wallMs: number): number;
  /** Finds the first moment after `fromMs` at which the offset has changed. @param toMs a moment after that */
  findChangeMs(fromMs: number, toMs: number): number;
}

const dayMs = 86_400_000;

/**
 * Caches time zones: they do not change while a process runs, and loading one takes as long as all other work for a
 * tick.
 */
const zonesByName = new Map<string, TimeZone>();

/** @throws RangeError if the IANA database does not contain the name */
export function getTimeZone(name: string): TimeZone {
  const zone = zonesByName.get(name) ?? loadTimeZone(name);
  zonesByName.set(name, zone);
  return zone;
}

function loadTimeZone(name: string): TimeZone {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });

  function getOffsetMs(ms: number): number {
    const text = format.formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value ?? "";
    const [, sign, hours = 0, minutes = 0, seconds = 0] = /([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text) ?? [];
    return (sign === "-" ? -1_000 : 1_000) * (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds));
  }

  function toInstantMs(wallMs: number): number {
    const [beforeOffsetMs, afterOffsetMs] = [getOffsetMs(wallMs - dayMs), getOffsetMs(wallMs + dayMs)];
    if (beforeOffsetMs === afterOffsetMs) return wallMs - beforeOffsetMs;
    const instantsMs = [wallMs - beforeOffsetMs, wallMs - afterOffsetMs].filter(
      (ms) => ms + getOffsetMs(ms) === wallMs,
    );
    if (instantsMs.length > 0) return Math.min(...instantsMs);
    return findChangeMs(
      wallMs - Math.max(beforeOffsetMs, afterOffsetMs),
      wallMs - Math.min(beforeOffsetMs, afterOffsetMs),
    );
  }

  function findChangeMs(fromMs: number, toMs: number): number {
    const offsetMs = getOffsetMs(fromMs);
    let [lowMs, highMs] = [fromMs, toMs];
    while (highMs - lowMs > 1) {
      const middleMs = Math.floor((lowMs + highMs) / 2);
      if (getOffsetMs(middleMs) === offsetMs) lowMs = middleMs;
      else highMs = middleMs;
    }
    return highMs;
  }

  return { getOffsetMs, toInstantMs, findChangeMs };
}
