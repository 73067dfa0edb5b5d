import type { Queryable } from "../../core/queryable.js";
import { listSchedules, type Schedule } from "../../schedules/list-schedules.js";
import { pauseSchedule } from "../../schedules/pause-schedule.js";
import { resumeSchedule } from "../../schedules/resume-schedule.js";
import { triggerSchedule } from "../../schedules/trigger-schedule.js";
import type { Api } from "../api.js";
import { isoOrNull } from "../iso.js";
import type { Redact } from "../redact.js";
import type { ScheduleView } from "../wire.js";

export function scheduleRoutes(api: Api): void {
  api.read("/schedules", (db) => views(db, api.settings.redact));
  api.change("/schedules/:target/pause", "schedule.pause", async (db, { target }) => {
    await pauseSchedule(db, target);
    return "paused: no tick fires";
  });
  api.change("/schedules/:target/resume", "schedule.resume", async (db, { target }) => {
    await resumeSchedule(db, target);
    return "resumed: the next tick fires";
  });
  api.change("/schedules/:target/trigger", "schedule.trigger", async (db, { target }) => {
    const { id } = await triggerSchedule(db, target);
    return `enqueued as job #${id}`;
  });
}

async function views(db: Queryable, redact: Redact): Promise<ScheduleView[]> {
  return (await listSchedules(db)).map((schedule) => {
    const redaction = redact.begin();
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
      pausedAt: isoOrNull(schedule.pausedAt),
      orphanedAt: isoOrNull(schedule.orphanedAt),
      lastTickAt: isoOrNull(schedule.lastTickAt),
      nextTicks: nextTicks.map((tick) => tick.toISOString()),
    };
  });
}

function formatTiming({ cron, everyMs }: Schedule): string {
  return cron ?? `every ${(everyMs ?? 0) / 1_000} s`;
}
