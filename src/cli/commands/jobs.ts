import { Command, Option } from "commander";
import { NotFoundError } from "../../core/errors.js";
import type { PageOptions } from "../../core/page.js";
import type { Queryable } from "../../core/queryable.js";
import { getJob } from "../../jobs/read/get-job.js";
import type { Job, JobSummary } from "../../jobs/row/job.js";
import { type JobFilter, type JobPage, listJobs } from "../../jobs/read/list-jobs.js";
import { type DatabaseOptions, createDatabaseCommand, withDatabase } from "../database-command.js";
import { formatJobState } from "../job-state.js";
import { addPageOptions } from "../page-options.js";
import { type Columns, formatTime, printPage, printRows } from "../print.js";
import { toOneLine, print, printJson } from "../../core/terminal.js";
import { parseWholeNumber } from "../whole-number.js";
import { createCancelCommand, createDiscardCommand, createRetryCommand } from "./job-verbs.js";
import { commandDescriptions } from "../command-descriptions.js";

/** Each page scans ten thousand jobs, and may find fewer matches than asked for; after this many pages, the list stops. */
const maxPages = 100;

/** `soniq-drizzle jobs` */
export function createJobsCommand(): Command {
  return new Command("jobs")
    .description(commandDescriptions.jobs)
    .addCommand(
      addPageOptions(
        createDatabaseCommand("list", "list jobs, newest first")
          .addOption(
            new Option("--state <state>", "only jobs in this state").choices([
              "queued",
              "active",
              "completed",
              "cancelled",
              "dead",
            ]),
          )
          .option("--queue <name>", "only jobs of this queue")
          .option("--name <name>", "only jobs of this definition")
          .option("--tag <tag>", "only jobs with this tag"),
      ).action(list),
    )
    .addCommand(
      createDatabaseCommand("show", "show everything that is known about a job")
        .argument("<job>", "the id of the job", parseWholeNumber)
        .action(show),
    )
    .addCommand(createRetryCommand())
    .addCommand(createCancelCommand())
    .addCommand(createDiscardCommand());
}

const columns: Columns<JobSummary> = {
  ID: (job) => job.id,
  STATE: formatJobState,
  JOB: (job) => job.name,
  QUEUE: (job) => job.queue,
  ATTEMPTS: (job) => `${job.attempt}/${job.maxAttempts}`,
  CREATED: (job) => job.createdAt,
  WHEN: formatWhen,
  TAGS: (job) => job.tags.join(", "),
  REASON: (job) => job.reason,
};

/** Formats the most relevant time of a job in its state. */
function formatWhen({ state, finishedAt, claimedAt, runAt }: JobSummary): string | null {
  if (finishedAt) return `${state === "dead" ? "died" : state} ${formatTime(finishedAt)}`;
  if (state === "active") return claimedAt && `started ${formatTime(claimedAt)}`;
  return runAt && `due ${formatTime(runAt)}`;
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
    await withDatabase(options, (db) => readFullPage(db, filter, { limit, cursor })),
    "jobs",
    columns,
    "no jobs",
    options,
  );
}

/** Reads pages until there are `limit` jobs, the list ends, or `maxPages` is reached. */
async function readFullPage(
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
  if (!job) throw new NotFoundError(`there is no job #${jobId}: it never existed or was deleted`);
  if (options.json) return printJson(job);
  const { errors, logs, ...rest } = job;
  const facts = Object.entries({ ...rest, state: formatJobState(job) } satisfies Partial<Record<keyof Job, unknown>>);
  printRows(facts, { FACT: ([fact]) => fact, VALUE: ([, value]) => formatValue(value) }, "", {});
  for (const [title, records] of Object.entries({ errors, logs })) {
    if (records.length > 0) print(`\n${title}:`);
    for (const record of records) print(`  ${toOneLine(JSON.stringify(record))}`);
  }
}

function formatValue(value: unknown): string | Date | null {
  return value === null || value instanceof Date || typeof value === "string" ? value : JSON.stringify(value);
}
