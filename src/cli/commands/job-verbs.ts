import type { Command } from "commander";
import type { Queryable } from "../../core/queryable.js";
import { cancelJob } from "../../jobs/control/cancel-job.js";
import { discardJob } from "../../jobs/control/discard-job.js";
import { getJob } from "../../jobs/read/get-job.js";
import { retryJobs } from "../../jobs/control/retry-jobs.js";
import { runJobNow } from "../../jobs/control/run-now.js";
import { confirm } from "../confirm.js";
import { createDatabaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { exitCodes } from "../exit-codes.js";
import { formatJobState } from "../job-state.js";

import { printToStderr, toOneLine, print, printJson } from "../../core/terminal.js";
import { parseWholeNumbers } from "../whole-number.js";
import { explainRefusal } from "../../dead-letters/explain-refusal.js";

/** `soniq-drizzle jobs retry` */
export function createRetryCommand(): Command {
  return createJobCommand("retry", "retry dead jobs, and run scheduled jobs now", retryOrRunNow);
}

/** `soniq-drizzle jobs cancel` */
export function createCancelCommand(): Command {
  const action: JobAction = async (db, id, { reason }) => {
    const answer = await cancelJob(db, id, reason);
    return { answer, ...cancelAnswers[answer] };
  };
  return createJobCommand("cancel", "cancel queued jobs, and abort the signals of running jobs", action).option(
    ...reasonOption,
  );
}

/** `soniq-drizzle jobs discard` */
export function createDiscardCommand(): Command {
  const action: JobAction = async (db, id, { reason }) => {
    const answer = await discardJob(db, id, reason);
    return { answer, ...discardAnswers[answer] };
  };
  return createJobCommand("discard", "turn queued jobs into dead letters", action).option(...reasonOption);
}

const reasonOption = ["--reason <text>", "the reason, recorded with the job"] as const;

type VerbOptions = DatabaseOptions & { readonly reason?: string; readonly yes?: true };

/** The result for a job. */
interface Answer {
  /** The value that the library function returned. */
  readonly answer: string;
  readonly done: boolean;
  /** The rest of the sentence that begins with the job's id, for people. */
  readonly text: string;
}

type JobAction = (db: Queryable, id: number, options: VerbOptions) => Promise<Answer>;
type AnswersByOutcome<Outcome extends string> = Readonly<Record<Outcome, Omit<Answer, "answer">>>;

const cancelAnswers: AnswersByOutcome<Awaited<ReturnType<typeof cancelJob>>> = {
  cancelled: { done: true, text: "is cancelled" },
  requested: {
    done: true,
    text: "is asked to stop: its signal is aborted, and it ends as cancelled unless it completes anyway",
  },
  "not found": { done: false, text: "does not exist, or has finished" },
};

const discardAnswers: AnswersByOutcome<Awaited<ReturnType<typeof discardJob>>> = {
  discarded: { done: true, text: "is a dead letter" },
  active: { done: false, text: "is running: cancel it instead" },
  "not found": { done: false, text: "does not exist, or has finished" },
};

const runNowAnswers: AnswersByOutcome<Awaited<ReturnType<typeof runJobNow>>> = {
  due: { done: true, text: "is due now" },
  parked: { done: false, text: "is a webhook delivery whose endpoint is paused or failing: resume the endpoint" },
  active: { done: false, text: "is already running" },
  "not found": { done: false, text: "does not exist, or was completed or cancelled: enqueue another job" },
};

async function retryOrRunNow(db: Queryable, id: number): Promise<Answer> {
  const [refusal] = (await retryJobs(db, id)).refused;
  if (!refusal) return { answer: "retried", done: true, text: "is queued again, with all its attempts" };
  if (refusal.reason !== "not-a-dead-letter")
    return { answer: refusal.reason, done: false, text: `stays a dead letter: ${explainRefusal(refusal)}` };
  const answer = await runJobNow(db, id);
  return { answer, ...runNowAnswers[answer] };
}

/** Creates a command that changes jobs one by one. For several jobs, it shows them and asks for confirmation. */
function createJobCommand(name: string, description: string, action: JobAction): Command {
  return createDatabaseCommand(name, description)
    .argument("<jobs...>", "the ids of the jobs", parseWholeNumbers)
    .option("--yes", "do not ask for confirmation")
    .addHelpText("after", `\nExit status: ${exitCodes.failed} if any job could not be changed.`)
    .action((ids: readonly number[], options: VerbOptions) =>
      withDatabase(options, async (db) => {
        if (ids.length > 1 && !(await confirmJobs(db, name, ids, options))) return;
        const answers: (Answer & { readonly id: number })[] = [];
        for (const id of new Set(ids)) answers.push({ id, ...(await action(db, id, options)) });
        if (options.json) printJson(answers.map(({ id, answer, done }) => ({ id, answer, done })));
        else for (const { id, done, text } of answers) (done ? print : printToStderr)(`job #${id} ${text}`);
        if (answers.some(({ done }) => !done)) process.exitCode = exitCodes.failed;
      }),
    );
}

const maxListedJobs = 20;

async function confirmJobs(
  db: Queryable,
  name: string,
  ids: readonly number[],
  options: VerbOptions,
): Promise<boolean> {
  if (options.yes) return true;
  for (const id of ids.slice(0, maxListedJobs)) {
    const job = await getJob(db, id);
    printToStderr(
      toOneLine(`#${id} ${job ? `${job.name} · ${job.queue} · ${formatJobState(job)}` : "does not exist"}`),
    );
  }
  if (ids.length > maxListedJobs) printToStderr(`… and ${ids.length - maxListedJobs} more`);
  return confirm(`${name} ${ids.length} jobs?`, options);
}
