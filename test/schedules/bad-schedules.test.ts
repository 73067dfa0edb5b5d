// What is wrong with a schedule is said where it is defined, or as a worker starts.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { createWorker, defineJob, defineSchedule, InvalidValueError } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";

const { sql, url } = await testDatabase();
const report = defineJob({ name: "report", payload: v.strictObject({ days: v.number() }), run: () => {} });
const base = { name: "nightly", job: report, payload: { days: 1 } };
const debounced = defineJob({
  name: "debounced",
  payload: v.unknown(),
  unique: { by: () => "k", onConflict: "reschedule" },
});
const define = (settings: object) => () =>
  defineSchedule({ ...base, ...settings } as Parameters<typeof defineSchedule>[0]);

test.each([
  [{}, "schedule nightly: cron and every: give exactly one of them, not neither"],
  [{ cron: "0 2 * * *", every: "1h" }, "schedule nightly: cron and every: give exactly one of them, not both"],
  [{ cron: "0 2 * *" }, /^schedule nightly: cron is "0 2 \* \*": give five fields/],
  [{ cron: "0 2 * * *", timeZone: "Berlin" }, /^schedule nightly: timeZone is "Berlin", which is not a time zone/],
  [{ every: "1 day" }, /^schedule nightly: every is "1 day", which is not a duration/],
  [{ every: "500ms" }, 'schedule nightly: every is "500ms": give a second or more, in whole milliseconds'],
  [{ every: 1_000.5 }, "schedule nightly: every is 1000.5: give a second or more, in whole milliseconds"],
  [{ every: "1h", missed: "never" }, 'schedule nightly: missed is "never": give "once" or "skip" or "all"'],
  [{ every: "1h", overlap: "maybe" }, 'schedule nightly: overlap is "maybe": give "skip" or "allow"'],
  [{ every: "1h", missed: "all" }, /^schedule nightly: missed is "all".* set overlap: "allow"$/],
  [{ every: "1h", jitter: -1 }, /^schedule nightly: jitter is -1, which is not a duration/],
  [{ every: "1h", options: { priority: 10 } }, /^schedule nightly: options.priority is 10/],
  [{ every: "1h", name: "" }, /^name is empty/],
  [{ every: "1h", job: debounced }, /^schedule nightly: job is debounced, whose unique.onConflict is "reschedule"/],
])("%j is refused", (settings, message) => {
  expect(define(settings)).toThrow(InvalidValueError);
  expect(define(settings)).toThrow(message);
});

describe("a worker", () => {
  const start = (...schedules: unknown[]) => {
    const config = { connection: url, jobs: { report }, handlers: {}, schedules };
    return createWorker(config as Parameters<typeof createWorker>[0]).start();
  };

  test("does not start with a payload that is not valid, and writes nothing", async () => {
    const wrong = define({ every: "1h", payload: { days: "1" } })();
    await expect(start(wrong)).rejects.toThrow(/^schedule nightly: payload\.days is not valid/);
    await expect(start(define({ every: "1h", payload: { days: NaN } })())).rejects.toThrow(/payload\.days is NaN/);
    expect(await sql`select from soniq_workers`).toHaveLength(0);
  });

  test("is not created with two schedules of one name, or with what is none", () => {
    const twice = [define({ every: "1h" })(), define({ every: "2h" })()];
    expect(() => start(...twice)).toThrow(
      "configuration: schedules.1 has the same name as another schedule: rename one",
    );
    expect(() => start({ name: "nightly" })).toThrow(
      "configuration: schedules.0 must be made by defineSchedule({ … })",
    );
  });
});
