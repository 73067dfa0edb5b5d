import type { Queryable } from "../../core/queryable.js";
import { listSchedules, type Schedule } from "../../schedules/list-schedules.js";
import { pauseSchedule } from "../../schedules/pause-schedule.js";
import { resumeSchedule } from "../../schedules/resume-schedule.js";
import { triggerSchedule } from "../../schedules/trigger-schedule.js";
import type { Api } from "../api.js";
import { toIsoOrNull } from "../iso.js";
import type { Redactor } from "../redact.js";
import type { ScheduleView } from "../wire.js";

export function addScheduleRoutes(api: Api): void {
  api.addReadRoute("/schedules", (db) => listViews(db, api.settings.redact));
  api.addChangeRoute("/schedules/:target/pause", "schedule.pause", async (db, { target }) => {
    await pauseSchedule(db, target);
    return "paused: no tick fires";
  });
  api.addChangeRoute("/schedules/:target/resume", "schedule.resume", async (db, { target }) => {
    await resumeSchedule(db, target);
    return "resumed: the next tick fires";
  });
  api.addChangeRoute("/schedules/:target/trigger", "schedule.trigger", async (db, { target }) => {
    const { id } = await triggerSchedule(db, target);
    return `enqueued as job #${id}`;
  });
}

async function listViews(db: Queryable, redact: Redactor): Promise<ScheduleView[]> {
  return (await listSchedules(db)).map((schedule) => {
    const redaction = redact.createRedaction();
    const { name, timeZone, jobName, missed, overlap, lastJobId, nextTicks } = schedule;
    return {
      name,
      timeZone,
      jobName,
      missed,
      overlap,
      lastJobId,
      timing: formatTiming(schedule),
      payload: redaction.mask(redaction.hide(schedule.payload, "payload")),
      pausedAt: toIsoOrNull(schedule.pausedAt),
      orphanedAt: toIsoOrNull(schedule.orphanedAt),
      lastTickAt: toIsoOrNull(schedule.lastTickAt),
      nextTicks: nextTicks.map((tick) => tick.toISOString()),
    };
  });
}

function formatTiming({ cron, everyMs }: Schedule): string {
  return cron ?? `every ${(everyMs ?? 0) / 1_000} s`;
}
