// The ticks of cron expressions around the changes of the clocks, against an oracle that reads a table of what the clocks show,
// minute by minute, and knows nothing of how they are computed.
import { describe, expect, test } from "vitest";
import { checkCron, generateCronTicks } from "../../src/schedules/cron.ts";

const minute = 60_000;
const hour = 60 * minute;

const zones = [
  "Europe/Berlin",
  "America/New_York",
  "America/Santiago", // at midnight
  "Asia/Beirut", // at midnight
  "Australia/Lord_Howe", // by half an hour
  "Africa/Casablanca", // back in spring, forward a month later
];

const expressions = [
  "* * * * *",
  "*/15 * * * *",
  "30 * * * *",
  "0 * * * *",
  "7-9 * * * *",
  "0 0 * * *",
  "30 0 * * *",
  "0 1 * * *",
  "30 1 * * *",
  "15 2 * * *",
  "30 2 * * *",
  "59 2 * * *",
  "0 3 * * *",
  "0 2,3 * * *",
  "*/20 2 * * *",
  "*/20 1-3 * * *",
  "* 2 * * *",
  "0 */2 * * *",
  "15 */3 * * *",
  "45 23 * * *",
  "59 23 * * 6",
  "15 0 * * 0",
  "30 2 * * 0",
  "30 2 * * 1-5",
  "30 1 1-15 * *",
  "0 2 29 3 *",
  "30 2 25 10 0",
  "*/10 * * 3,10 0",
  "15,45 30 * * * *",
  "*/30 */10 1-3 * * *",
];

/** What the clocks of a zone show at each minute of a few days. */
interface Clocks {
  readonly fromMs: number;
  readonly untilMs: number;
  /** By what they show, as if they showed UTC: when they show it first. */
  readonly firstShown: ReadonlyMap<number, number>;
  /** What they show, minute by minute. */
  readonly walls: readonly (readonly [ms: number, wallMs: number])[];
}

/** The days around each change of a zone's clocks from 2026 on. */
function changesOf(zone: string): Clocks[] {
  const changes: Clocks[] = [];
  for (let day = Date.UTC(2026, 0, 1); day < Date.UTC(2027, 6, 1); day += 24 * hour) {
    if (wallOf(zone, day + 24 * hour) - wallOf(zone, day) !== 24 * hour)
      changes.push(clocksFrom(zone, day - 24 * hour));
  }
  return changes;
}

function clocksFrom(zone: string, fromMs: number): Clocks {
  const untilMs = fromMs + 72 * hour;
  const walls: [number, number][] = [];
  const firstShown = new Map<number, number>();
  for (let ms = fromMs; ms < untilMs; ms += minute) {
    const wall = wallOf(zone, ms);
    walls.push([ms, wall]);
    if (!firstShown.has(wall)) firstShown.set(wall, ms);
  }
  return { fromMs, untilMs, walls, firstShown };
}

const formats = new Map<string, Intl.DateTimeFormat>();

function wallOf(zone: string, ms: number): number {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
  formats.set(zone, format);
  const shown = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(shown["year"] ?? 0, (shown["month"] ?? 0) - 1, shown["day"], shown["hour"], shown["minute"]);
}

/** The values that a field of an expression names. */
function valuesOf(field: string, smallest: number, largest: number): Set<number> {
  const values = new Set<number>();
  for (const part of field.split(",")) {
    const [range = "", step = "1"] = part.split("/");
    const [from = "", to = from] = range === "*" ? [String(smallest), String(largest)] : range.split("-");
    for (let value = Number(from); value <= Number(to); value += Number(step)) values.add(value);
  }
  return values;
}

function oracle(expression: string, { fromMs, untilMs, walls, firstShown }: Clocks): number[] {
  const fields = expression.split(" ");
  const [second = "", minutes = "", hours = "", days = "", months = "", weekdays = ""] =
    fields.length === 5 ? ["0", ...fields] : fields;
  const named = {
    minutes: valuesOf(minutes, 0, 59),
    hours: valuesOf(hours, 0, 23),
    days: valuesOf(days, 1, 31),
    months: valuesOf(months, 1, 12),
    weekdays: valuesOf(weekdays, 0, 6),
  };
  const matches = (wallMs: number) => {
    const wall = new Date(wallMs);
    const isDay = named.days.has(wall.getUTCDate());
    const isWeekday = named.weekdays.has(wall.getUTCDay());
    return (
      named.minutes.has(wall.getUTCMinutes()) &&
      named.hours.has(wall.getUTCHours()) &&
      named.months.has(wall.getUTCMonth() + 1) &&
      (days === "*" || weekdays === "*" ? isDay && isWeekday : isDay || isWeekday)
    );
  };
  const seconds = [...valuesOf(second, 0, 59)].map((value) => value * 1_000);
  const ticks = new Set<number>();
  if (hours === "*") {
    for (const [ms, wall] of walls) if (matches(wall)) for (const later of seconds) ticks.add(ms + later);
  } else {
    const lastWall = walls.at(-1)?.[1] as number;
    for (let wall = walls[0]?.[1] as number; wall <= lastWall; wall += minute) {
      if (!matches(wall)) continue;
      const ms = firstShown.get(wall);
      if (ms !== undefined) for (const later of seconds) ticks.add(ms + later);
      // Passed over: as soon as they show something later.
      else ticks.add(walls.find(([, shown]) => shown > wall)?.[0] as number);
    }
  }
  return [...ticks].filter((ms) => ms >= fromMs && ms < untilMs).toSorted((a, b) => a - b);
}

const iso = (ticks: readonly number[]) => ticks.map((ms) => new Date(ms).toISOString());

function ticksWithin(expression: string, zone: string, fromMs: number, untilMs: number): number[] {
  const ticks: number[] = [];
  for (const tick of generateCronTicks(expression, zone, fromMs - 1)) {
    if (tick >= untilMs) return ticks;
    ticks.push(tick);
  }
  throw new Error("there is no end of ticks");
}

describe.each(zones)("in %s", (zone) => {
  const changes = changesOf(zone);

  test("the clocks are changed at least thrice in the time that is looked at", () => {
    expect(changes.length).toBeGreaterThanOrEqual(3);
  });

  test.each(expressions)("%s ticks as the oracle says", (expression) => {
    for (const clocks of changes) {
      const ticks = ticksWithin(expression, zone, clocks.fromMs, clocks.untilMs);
      expect(iso(ticks)).toEqual(iso(oracle(expression, clocks)));
    }
  });

  test("it makes no difference whether the next tick is asked for at each one, as schedules do", () => {
    for (const expression of ["*/20 * * * *", "*/20 1-3 * * *", "30 2 * * *"]) {
      for (const { fromMs, untilMs } of changes) {
        const ticks = ticksWithin(expression, zone, fromMs, untilMs);
        const chained = ticks.slice(0, -1).map((tick) => generateCronTicks(expression, zone, tick).next().value);
        expect(iso(chained)).toEqual(iso(ticks.slice(1)));
      }
    }
  });
});

describe("in Berlin", () => {
  const from = (time: string, expression: string, count: number) => {
    const ticks = generateCronTicks(expression, "Europe/Berlin", Date.parse(time));
    return iso(Array.from({ length: count }, () => ticks.next().value));
  };

  test("half past two comes at three in the night that has none", () => {
    expect(from("2026-03-28T12:00:00Z", "30 2 * * *", 2)).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
  });

  test("half past two comes once in the night that has two", () => {
    expect(from("2026-10-24T12:00:00Z", "30 2 * * *", 2)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  test("what comes every hour comes every hour in these nights, too", () => {
    expect(from("2026-10-25T00:00:00Z", "30 * * * *", 3)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-25T01:30:00.000Z",
      "2026-10-25T02:30:00.000Z",
    ]);
  });
});

test("a tick that is asked for between two seconds is the next whole one", () => {
  expect(iso([generateCronTicks("* * * * * *", "UTC", 1_001).next().value])).toEqual(["1970-01-01T00:00:02.000Z"]);
  expect(iso([generateCronTicks("* * * * * *", "UTC", 1_999).next().value])).toEqual(["1970-01-01T00:00:02.000Z"]);
});

test("the usual short forms and names are understood", () => {
  const next = (expression: string) =>
    iso([generateCronTicks(expression, "UTC", Date.UTC(2026, 10, 26, 12)).next().value])[0];
  expect(next("@daily")).toBe("2026-11-27T00:00:00.000Z");
  expect(next("@hourly")).toBe("2026-11-26T13:00:00.000Z");
  expect(next("@weekly")).toBe("2026-11-29T00:00:00.000Z");
  expect(next("@monthly")).toBe("2026-12-01T00:00:00.000Z");
  expect(next("@yearly")).toBe("2027-01-01T00:00:00.000Z");
  expect(next("0 9 * * mon")).toBe("2026-11-30T09:00:00.000Z");
  expect(next("0 9 L * *")).toBe("2026-11-30T09:00:00.000Z");
  expect(next("0 9 29 FEB *")).toBe("2028-02-29T09:00:00.000Z");
});

test.each([
  [undefined, "UTC", /^cron is undefined: give five fields/],
  ["", "UTC", /^cron is "": give five fields/],
  ["5", "UTC", /^cron is "5": give five fields/],
  ["* * * *", "UTC", /^cron is "\* \* \* \*": give five fields/],
  ["* * * * * * *", "UTC", /give five fields/],
  ["61 * * * *", "UTC", /^cron is "61 \* \* \* \*", which has no ticks/],
  ["0 25 * * *", "UTC", /which has no ticks/],
  ["0 0 30 2 *", "UTC", /which has no ticks/],
  ["@sometimes", "UTC", /which has no ticks/],
  ["H H * * *", "UTC", /H is not supported/],
  [
    "0 2 * * *",
    "Mars/Olympus",
    /^timeZone is "Mars\/Olympus", which is not a time zone: give a name such as "Europe\/Berlin"/,
  ],
])("%s in %s is refused, saying why", (cron, timeZone, message) => {
  expect(() => checkCron(cron, timeZone)).toThrow(message);
});
