// `defineSchedule`: the job's own payload, one rhythm, and no combination that could not work.
import * as v from "valibot";
import { defineConfig, defineJob, defineSchedule } from "../../src/index.ts";
import { previewTicks } from "../../src/admin.ts";

const report = defineJob({
  name: "report",
  payload: v.object({ days: v.number(), at: v.optional(v.pipe(v.string(), v.isoDate())) }),
  run: () => {},
});
const nightly = { name: "nightly", job: report, payload: { days: 1 } };

const schedules = [
  defineSchedule({ ...nightly, cron: "0 2 * * *" }),
  defineSchedule({ ...nightly, cron: "0 2 * * *", timeZone: "Europe/Berlin", paused: true, jitter: "5m" }),
  defineSchedule({ ...nightly, every: "24h", missed: "skip", overlap: "allow" }),
  defineSchedule({ ...nightly, every: 3_600_000, missed: "all", overlap: "allow" }),
  defineSchedule({
    ...nightly,
    every: "1h",
    options: { queue: "slow", priority: 9, maxAttempts: 1, tags: ["report"] },
  }),
];
defineConfig({ connection: "", jobs: { report }, handlers: {}, schedules });
previewTicks({ cron: "0 2 * * *", timeZone: "Europe/Berlin" }, 3);
previewTicks({ every: "1h" }, 3, new Date());

// @ts-expect-error a wrong payload
defineSchedule({ name: "nightly", job: report, payload: { days: "1" }, cron: "0 2 * * *" });
// @ts-expect-error no payload
defineSchedule({ name: "nightly", job: report, cron: "0 2 * * *" });
// @ts-expect-error neither cron nor every
defineSchedule({ ...nightly });
// @ts-expect-error both
defineSchedule({ ...nightly, cron: "0 2 * * *", every: "24h" });
// @ts-expect-error an interval has no time zone
defineSchedule({ ...nightly, every: "24h", timeZone: "Europe/Berlin" });
// @ts-expect-error a unit that does not exist
defineSchedule({ ...nightly, every: "1 day" });
// @ts-expect-error several jobs at once, which may not overlap
defineSchedule({ ...nightly, every: "1h", missed: "all" });
// @ts-expect-error the same, said
defineSchedule({ ...nightly, every: "1h", missed: "all", overlap: "skip" });
// @ts-expect-error a word that does not exist
defineSchedule({ ...nightly, every: "1h", missed: "never" });
// @ts-expect-error when a tick comes, the rhythm says
defineSchedule({ ...nightly, every: "1h", options: { delay: "1m" } });
// @ts-expect-error the key is the definition's own
defineSchedule({ ...nightly, every: "1h", options: { uniqueKey: "k" } });
// @ts-expect-error what is no schedule
defineConfig({ connection: "", jobs: { report }, handlers: {}, schedules: [nightly] });
// @ts-expect-error no rhythm
previewTicks({}, 3);
