// Schedules: jobs at times of a time zone or at intervals, once per tick with any number of workers.
// DATABASE_URL=postgres://… npx tsx examples/features/schedules.ts
import { setTimeout as sleep } from "node:timers/promises";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { createWorker, defineConfig, defineJob, defineSchedule, migrate } from "soniq-drizzle";
import { listSchedules, pauseSchedule, previewTicks, triggerSchedule } from "soniq-drizzle/admin";
import * as v from "valibot";

const connection = process.env.DATABASE_URL;
const client = postgres(connection ?? "", { max: 1, onnotice: () => {} });
const db = drizzle({ client });
await migrate(db);

/** The jobs that ran, with their ticks; a triggered job has none. */
const reports: { region: string; tick: string | undefined }[] = [];
const report = defineJob({
  name: "report",
  payload: v.strictObject({ region: v.string() }),
  run: ({ region }, { meta }) => void reports.push({ region, tick: meta["tick"] as string | undefined }),
});

const nightly = defineSchedule({
  name: "nightly",
  cron: "30 2 * * *",
  timeZone: "Europe/Berlin",
  job: report,
  payload: { region: "Europe" },
});
const live = defineSchedule({
  name: "live",
  every: "1s",
  overlap: "allow",
  job: report,
  payload: { region: "everywhere" },
});

console.log("half past two in Berlin, across a clock change:");
for (const tick of previewTicks(nightly, 3, new Date("2026-03-27T12:00:00Z"))) console.log(" ", tick.toISOString());

const config = defineConfig({ connection, jobs: { report }, handlers: {}, schedules: [nightly, live] });
const workers = [createWorker(config), createWorker(config), createWorker(config)];
await Promise.all(workers.map((worker) => worker.start()));

while (reports.length < 3) await sleep(50);
await pauseSchedule(db, "live");
for (const { name, pausedAt, nextTicks } of await listSchedules(db)) {
  console.log(`${name}: ${pausedAt ? "paused" : "active"}, ${nextTicks.length} next ticks`);
}
await triggerSchedule(db, "nightly");

// After the drain, each tick has had its job.
await Promise.all(workers.map((worker) => worker.drain({ wait: "0s" })));
const ticks = reports
  .filter(({ region }) => region === "everywhere")
  .map(({ tick = "" }) => Date.parse(tick))
  .toSorted((a, b) => a - b);
const isOneEachSecond = ticks.every((tick, i) => tick === (ticks[0] ?? 0) + i * 1_000);
console.log(`three workers, one report each second: ${isOneEachSecond}`);
for (const { region } of reports.filter(({ tick }) => tick === undefined)) console.log(`triggered by hand: ${region}`);
await client.end();
