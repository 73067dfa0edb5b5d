// What a worker process that fires schedules for a test is configured by.
import * as v from "valibot";
import { defineConfig, defineJob, defineSchedule } from "../../src/index.ts";

const note = defineJob({ name: "note", payload: v.null(), run: () => {} });

export const schedules = [
  defineSchedule({ name: "by the clock", job: note, payload: null, cron: "* * * * * *", overlap: "allow" }),
  defineSchedule({ name: "by interval", job: note, payload: null, every: "1s", missed: "all", overlap: "allow" }),
  defineSchedule({ name: "nightly", job: note, payload: null, cron: "0 2 * * *", timeZone: "Europe/Berlin" }),
];

export default defineConfig({
  connection: process.env["DATABASE_URL"],
  jobs: { note },
  handlers: {},
  schedules,
  rescueInterval: "200ms",
});
