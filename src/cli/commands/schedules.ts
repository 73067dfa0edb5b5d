import { print, printJson } from "../../core/terminal.js";
import { Command } from "commander";
import type { Queryable } from "../../core/queryable.js";
import { listSchedules, type Schedule } from "../../schedules/list-schedules.js";
import { pauseSchedule } from "../../schedules/pause-schedule.js";
import { deleteSchedule } from "../../schedules/delete-schedule.js";
import { resumeSchedule } from "../../schedules/resume-schedule.js";
import { triggerSchedule } from "../../schedules/trigger-schedule.js";
import { databaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { type Columns, localTime, printRows } from "../print.js";

/** `soniq-drizzle schedules` */
export function schedulesCommand(): Command {
  const list = databaseCommand("list", "list the schedules, and when they tick next").action(
    (options: DatabaseOptions) =>
      withDatabase(options, async (db) => printRows(await listSchedules(db), columns, "no schedules", options)),
  );
  return new Command("schedules")
    .description("list, pause, resume, trigger or remove schedules: what enqueues jobs at certain times")
    .addCommand(list)
    .addCommand(verb("pause", "paused", "let no tick fire until it is resumed", pauseSchedule))
    .addCommand(verb("resume", "resumed", "let it go on with its next tick", resumeSchedule))
    .addCommand(verb("trigger", "triggered", "enqueue its job now, beside its ticks", triggerSchedule))
    .addCommand(verb("remove", "removed", "forget it, once the code no longer defines it", deleteSchedule));
}

/** A command that does something to one schedule. */
function verb(
  name: string,
  done: string,
  description: string,
  act: (db: Queryable, schedule: string) => Promise<void | { readonly id: number }>,
): Command {
  return databaseCommand(name, description)
    .argument("<schedule>", "its name")
    .action(async (schedule: string, options: DatabaseOptions) => {
      const job = await withDatabase(options, (db) => act(db, schedule));
      if (options.json) printJson({ schedule, done, ...(job && { jobId: job.id }) });
      else print(job ? `${done} ${schedule}: job #${job.id}` : `${done} ${schedule}`);
    });
}

const columns: Columns<Schedule> = {
  SCHEDULE: ({ name }) => name,
  TICKS: ({ cron, everyMs, timeZone }) =>
    cron === null ? `every ${inWords(everyMs as number)}` : `${cron} ${timeZone}`,
  JOB: ({ jobName }) => jobName,
  STATE: ({ pausedAt, orphanedAt }) => (orphanedAt ? "orphaned" : pausedAt ? "paused" : "active"),
  "LAST TICK": ({ lastTickAt }) => lastTickAt,
  "LAST JOB": ({ lastJobId }) => lastJobId,
  "NEXT TICKS": ({ nextTicks }) => (nextTicks.length > 0 ? nextTicks.slice(0, 2).map(localTime).join(", ") : null),
};

/** A duration in its largest whole unit, as the configuration has it. */
function inWords(ms: number): string {
  const [unit, text] = units.find(([size]) => ms % size === 0) ?? [1, "ms"];
  return `${ms / unit}${text}`;
}

const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1_000, "s"],
] as const;
