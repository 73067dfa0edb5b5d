/** How the clocks of a time zone go. Times are milliseconds since 1970; a wall time is what its clocks show, as if they showed UTC. */
export interface TimeZone {
  /** By how much its clocks are ahead of UTC. */
  offsetAt(ms: number): number;
  /** When its clocks show this: the first time, where they do so twice; where they never do, as they pass over it. */
  instantOf(wallMs: number): number;
  /** The first moment after `fromMs` at which the clocks have been changed. @param toMs a moment after that */
  changeBetween(fromMs: number, toMs: number): number;
}

const dayMs = 86_400_000;

/** Time zones do not change while a process runs, and one takes as long to look up as all else that a tick needs. */
const known = new Map<string, TimeZone>();

/** @throws RangeError for a name that the IANA database does not have */
export function timeZoneOf(name: string): TimeZone {
  const zone = known.get(name) ?? lookUp(name);
  known.set(name, zone);
  return zone;
}

function lookUp(name: string): TimeZone {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });

  function offsetAt(ms: number): number {
    const text = format.formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value ?? "";
    const [, sign, hours = 0, minutes = 0, seconds = 0] = /([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text) ?? [];
    return (sign === "-" ? -1_000 : 1_000) * (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds));
  }

  function instantOf(wallMs: number): number {
    const [before, after] = [offsetAt(wallMs - dayMs), offsetAt(wallMs + dayMs)];
    if (before === after) return wallMs - before;
    const shown = [wallMs - before, wallMs - after].filter((ms) => ms + offsetAt(ms) === wallMs);
    if (shown.length > 0) return Math.min(...shown);
    return changeBetween(wallMs - Math.max(before, after), wallMs - Math.min(before, after));
  }

  function changeBetween(fromMs: number, toMs: number): number {
    const offset = offsetAt(fromMs);
    let [same, changed] = [fromMs, toMs];
    while (changed - same > 1) {
      const middle = Math.floor((same + changed) / 2);
      if (offsetAt(middle) === offset) same = middle;
      else changed = middle;
    }
    return changed;
  }

  return { offsetAt, instantOf, changeBetween };
}
