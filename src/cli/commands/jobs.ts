import { Command, Option } from "commander";
import { NotFoundError } from "../../core/errors.js";
import type { PageOptions } from "../../core/page.js";
import type { Queryable } from "../../core/queryable.js";
import { getJob } from "../../jobs/read/get-job.js";
import type { Job, JobSummary } from "../../jobs/row/job.js";
import { type JobFilter, type JobPage, listJobs } from "../../jobs/read/list-jobs.js";
import { type DatabaseOptions, databaseCommand, withDatabase } from "../database-command.js";
import { jobState } from "../job-state.js";
import { withPages } from "../page-options.js";
import { type Columns, localTime, printPage, printRows } from "../print.js";
import { toOneLine, print, printJson } from "../../core/terminal.js";
import { wholeNumber } from "../whole-number.js";
import { cancelCommand, discardCommand, retryCommand } from "./job-verbs.js";

/** So many pages in a row, of ten thousand jobs each, may hold less than was asked for. */
const maxPages = 100;

/** `soniq-drizzle jobs` */
export function jobsCommand(): Command {
  return new Command("jobs")
    .description("list, show, retry, cancel or discard jobs")
    .addCommand(
      withPages(
        databaseCommand("list", "list jobs, newest first")
          .addOption(
            new Option("--state <state>", "only those in this state").choices([
              "queued",
              "active",
              "completed",
              "cancelled",
              "dead",
            ]),
          )
          .option("--queue <name>", "only those of this queue")
          .option("--name <name>", "only those of this definition")
          .option("--tag <tag>", "only those with this tag"),
      ).action(list),
    )
    .addCommand(
      databaseCommand("show", "show all that is known of a job").argument("<job>", "its id", wholeNumber).action(show),
    )
    .addCommand(retryCommand())
    .addCommand(cancelCommand())
    .addCommand(discardCommand());
}

const columns: Columns<JobSummary> = {
  ID: (job) => job.id,
  STATE: jobState,
  JOB: (job) => job.name,
  QUEUE: (job) => job.queue,
  ATTEMPTS: (job) => `${job.attempt}/${job.maxAttempts}`,
  CREATED: (job) => job.createdAt,
  WHEN: when,
  TAGS: (job) => job.tags.join(", "),
  REASON: (job) => job.reason,
};

/** The time that matters most to a job in its state. */
function when({ state, finishedAt, claimedAt, runAt }: JobSummary): string | null {
  if (finishedAt) return `${state === "dead" ? "died" : state} ${localTime(finishedAt)}`;
  if (state === "active") return claimedAt && `started ${localTime(claimedAt)}`;
  return runAt && `due ${localTime(runAt)}`;
}

async function list({
  config,
  json,
  limit,
  cursor,
  ...filter
}: DatabaseOptions & PageOptions & JobFilter): Promise<void> {
  const options = { ...(config && { config }), ...(json && { json }) };
  printPage(
    await withDatabase(options, (db) => pageOf(db, filter, { limit, cursor })),
    "jobs",
    columns,
    "no jobs",
    options,
  );
}

/** As many jobs as were asked for, from as many pages as that takes, within reason. */
async function pageOf(
  db: Queryable,
  filter: JobFilter,
  { limit = 50, cursor }: PageOptions,
): Promise<Pick<JobPage, "jobs" | "next">> {
  const jobs: JobSummary[] = [];
  let next = cursor;
  for (let pages = 0; pages < maxPages; pages += 1) {
    const page = await listJobs(db, filter, { limit: limit - jobs.length, cursor: next });
    jobs.push(...page.jobs);
    next = page.next;
    if (next === undefined || jobs.length === limit) break;
  }
  return { jobs, next };
}

async function show(jobId: number, options: DatabaseOptions): Promise<void> {
  const job = await withDatabase(options, (db) => getJob(db, jobId));
  if (!job) throw new NotFoundError(`there is no job #${jobId}, or no longer`);
  if (options.json) return printJson(job);
  const { errors, logs, ...rest } = job;
  const facts = Object.entries({ ...rest, state: jobState(job) } satisfies Partial<Record<keyof Job, unknown>>);
  printRows(facts, { FACT: ([fact]) => fact, VALUE: ([, value]) => shown(value) }, "", {});
  for (const [title, records] of Object.entries({ errors, logs })) {
    if (records.length > 0) print(`\n${title}:`);
    for (const record of records) print(`  ${toOneLine(JSON.stringify(record))}`);
  }
}

function shown(value: unknown): string | Date | null {
  return value === null || value instanceof Date || typeof value === "string" ? value : JSON.stringify(value);
}
