import { print, printJson } from "../../core/terminal.js";
import { Command } from "commander";
import type { Queryable } from "../../core/queryable.js";
import { listSchedules, type Schedule } from "../../schedules/list-schedules.js";
import { pauseSchedule } from "../../schedules/pause-schedule.js";
import { deleteSchedule } from "../../schedules/delete-schedule.js";
import { resumeSchedule } from "../../schedules/resume-schedule.js";
import { triggerSchedule } from "../../schedules/trigger-schedule.js";
import { createDatabaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { type Columns, formatTime, printRows } from "../print.js";
import { commandDescriptions } from "../command-descriptions.js";

/** `soniq-drizzle schedules` */
export function createSchedulesCommand(): Command {
  const list = createDatabaseCommand("list", "list the schedules, and when they tick next").action(
    (options: DatabaseOptions) =>
      withDatabase(options, async (db) => printRows(await listSchedules(db), columns, "no schedules", options)),
  );
  return new Command("schedules")
    .description(commandDescriptions.schedules)
    .addCommand(list)
    .addCommand(
      createScheduleCommand("pause", "paused", "pause a schedule: no tick fires until it is resumed", pauseSchedule),
    )
    .addCommand(createScheduleCommand("resume", "resumed", "resume a schedule with its next tick", resumeSchedule))
    .addCommand(
      createScheduleCommand(
        "trigger",
        "triggered",
        "enqueue the job of a schedule now, in addition to its ticks",
        triggerSchedule,
      ),
    )
    .addCommand(
      createScheduleCommand(
        "remove",
        "removed",
        "delete a schedule, once the code no longer defines it",
        deleteSchedule,
      ),
    );
}

/** Creates a command that changes a schedule. */
function createScheduleCommand(
  name: string,
  done: string,
  description: string,
  action: (db: Queryable, schedule: string) => Promise<void | { readonly id: number }>,
): Command {
  return createDatabaseCommand(name, description)
    .argument("<schedule>", "the name of the schedule")
    .action(async (schedule: string, options: DatabaseOptions) => {
      const job = await withDatabase(options, (db) => action(db, schedule));
      if (options.json) printJson({ schedule, done, ...(job && { jobId: job.id }) });
      else print(job ? `${done} ${schedule}: job #${job.id}` : `${done} ${schedule}`);
    });
}

const columns: Columns<Schedule> = {
  SCHEDULE: ({ name }) => name,
  TICKS: ({ cron, everyMs, timeZone }) =>
    cron === null ? `every ${formatDuration(everyMs as number)}` : `${cron} ${timeZone}`,
  JOB: ({ jobName }) => jobName,
  STATE: ({ pausedAt, orphanedAt }) => (orphanedAt ? "orphaned" : pausedAt ? "paused" : "active"),
  "LAST TICK": ({ lastTickAt }) => lastTickAt,
  "LAST JOB": ({ lastJobId }) => lastJobId,
  "NEXT TICKS": ({ nextTicks }) => (nextTicks.length > 0 ? nextTicks.slice(0, 2).map(formatTime).join(", ") : null),
};

/** Formats a duration in its largest whole unit, as in the configuration. */
function formatDuration(ms: number): string {
  const [unit, text] = units.find(([size]) => ms % size === 0) ?? [1, "ms"];
  return `${ms / unit}${text}`;
}

const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1_000, "s"],
] as const;
