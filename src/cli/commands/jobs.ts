import { Command, Option } from "commander";
import { SoniqError } from "../../core/errors.js";
import type { Queryable } from "../../core/queryable.js";
import { cancel } from "../../jobs/cancel.js";
import { getJob } from "../../jobs/get-job.js";
import type { Job, JobSummary } from "../../jobs/job.js";
import { type JobFilter, type JobPage, listJobs } from "../../jobs/list-jobs.js";
import { type DatabaseOptions, databaseCommand, withDatabase } from "../database-command.js";
import { type Columns, printJson, printRows } from "../print.js";
import { oneLine } from "../printable.js";
import { wholeNumber } from "../whole-number.js";

/** So many pages in a row, of ten thousand jobs each, may hold less than was asked for. */
const mostPages = 100;

/** `soniq-drizzle jobs` */
export function jobsCommand(): Command {
  return new Command("jobs")
    .description("list, show or cancel jobs")
    .addCommand(
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
        .option("--tag <tag>", "only those with this tag")
        .option("--before <job>", "only those before this one: where the page before ended", wholeNumber)
        .option("--limit <n>", "how many at the most, up to 1000", wholeNumber, 50)
        .action(list),
    )
    .addCommand(
      databaseCommand("show", "show all that is known of a job").argument("<job>", "its id", wholeNumber).action(show),
    )
    .addCommand(
      databaseCommand("cancel", "cancel a job; of one that runs, the signal is aborted")
        .argument("<job>", "its id", wholeNumber)
        .option("--reason <text>", "why, for those who look at it later")
        .action(cancelOne),
    );
}

const columns: Columns<JobSummary> = {
  ID: (job) => job.id,
  STATE: stateOf,
  JOB: (job) => job.name,
  QUEUE: (job) => job.queue,
  ATTEMPTS: (job) => `${job.attempt}/${job.maxAttempts}`,
  CREATED: (job) => job.createdAt,
  "DUE, BEGUN OR FINISHED": (job) => job.finishedAt ?? (job.state === "active" ? job.claimedAt : job.runAt),
  TAGS: (job) => job.tags.join(", "),
  REASON: (job) => job.reason,
};

async function list({ config, json, ...filter }: DatabaseOptions & JobFilter): Promise<void> {
  const options = { ...(config && { config }), ...(json && { json }) };
  const { jobs, next } = await withDatabase(options, (db) => pageOf(db, filter));
  if (json) return printJson({ jobs, next: next ?? null });
  printRows(jobs, columns, {});
  if (next !== undefined) console.error(`There may be more: --before ${next}`);
}

/** As many jobs as were asked for, from as many pages as that takes, within reason. */
async function pageOf(db: Queryable, { limit = 50, ...filter }: JobFilter): Promise<JobPage> {
  const jobs: JobSummary[] = [];
  let next = filter.before;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const page = await listJobs(db, {
      ...filter,
      limit: limit - jobs.length,
      ...(next !== undefined && { before: next }),
    });
    jobs.push(...page.jobs);
    next = page.next;
    if (next === undefined || jobs.length === limit) break;
  }
  return { jobs, next };
}

async function show(jobId: number, options: DatabaseOptions): Promise<void> {
  const job = await withDatabase(options, (db) => getJob(db, jobId));
  if (!job) throw notFound(jobId);
  if (options.json) return printJson(job);
  const { errors, logs, ...rest } = job;
  const facts = Object.entries({ ...rest, state: stateOf(job) } satisfies Partial<Record<keyof Job, unknown>>);
  printRows(facts, { FACT: ([fact]) => fact, VALUE: ([, value]) => shown(value) }, {});
  for (const [title, records] of Object.entries({ errors, logs })) {
    if (records.length > 0) console.log(`\n${title}:`);
    for (const record of records) console.log(`  ${oneLine(JSON.stringify(record))}`);
  }
}

async function cancelOne(jobId: number, options: DatabaseOptions & { readonly reason?: string }): Promise<void> {
  const state = await withDatabase(options, (db) => cancel(db, jobId, options.reason));
  if (state === "not found") throw notFound(jobId, "or it has finished");
  if (options.json) return printJson({ id: jobId, state });
  const requested =
    "is asked to stop: its signal is aborted, and it ends as cancelled unless it completes all the same";
  console.log(`job #${jobId} ${state === "cancelled" ? "is cancelled" : requested}`);
}

function notFound(jobId: number, or = "or no longer"): SoniqError {
  return new SoniqError(`there is no job #${jobId}, ${or}`);
}

function stateOf({ state, runAt }: JobSummary): string {
  if (state !== "queued") return state;
  if (runAt === null) return "parked";
  return runAt.getTime() > Date.now() ? "scheduled" : state;
}

function shown(value: unknown): string | Date | null {
  return value === null || value instanceof Date || typeof value === "string" ? value : JSON.stringify(value);
}
