import type { Command } from "commander";
import type { Queryable } from "../../core/queryable.js";
import { cancelJob } from "../../jobs/control/cancel.js";
import { discardJob } from "../../jobs/control/discard-job.js";
import { getJob } from "../../jobs/read/get-job.js";
import { retryJobs } from "../../jobs/control/retry.js";
import { runJobNow } from "../../jobs/control/run-now.js";
import { confirmed } from "../confirm.js";
import { databaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { exitCodes } from "../exit-codes.js";
import { jobState } from "../job-state.js";

import { printToStderr, toOneLine, print, printJson } from "../../core/terminal.js";
import { wholeNumbers } from "../whole-number.js";
import { whyRefused } from "../../dead-letters/why-refused.js";

/** `soniq-drizzle jobs retry` */
export function retryCommand(): Command {
  return verb("retry", "have dead jobs begin anew, and those that wait for later run now", retry);
}

/** `soniq-drizzle jobs cancel` */
export function cancelCommand(): Command {
  const act: Act = async (db, id, { reason }) => {
    const answer = await cancelJob(db, id, reason);
    return { answer, ...cancelWords[answer] };
  };
  return verb("cancel", "cancel jobs; of those that run, the signal is aborted", act).option(...reasonOption);
}

/** `soniq-drizzle jobs discard` */
export function discardCommand(): Command {
  const act: Act = async (db, id, { reason }) => {
    const answer = await discardJob(db, id, reason);
    return { answer, ...discardWords[answer] };
  };
  return verb("discard", "give up jobs that wait: they become dead letters", act).option(...reasonOption);
}

const reasonOption = ["--reason <text>", "why, for those who look at it later"] as const;

type VerbOptions = DatabaseOptions & { readonly reason?: string; readonly yes?: true };

/** What became of one job. */
interface Answer {
  /** In the library's word. */
  readonly answer: string;
  readonly done: boolean;
  /** For people. */
  readonly text: string;
}

type Act = (db: Queryable, id: number, options: VerbOptions) => Promise<Answer>;
type Words<Said extends string> = Readonly<Record<Said, Omit<Answer, "answer">>>;

const cancelWords: Words<Awaited<ReturnType<typeof cancelJob>>> = {
  cancelled: { done: true, text: "is cancelled" },
  requested: {
    done: true,
    text: "is asked to stop: its signal is aborted, and it ends as cancelled unless it completes all the same",
  },
  "not found": { done: false, text: "is not there, or has finished" },
};

const discardWords: Words<Awaited<ReturnType<typeof discardJob>>> = {
  discarded: { done: true, text: "is a dead letter" },
  active: { done: false, text: "runs: cancel it" },
  "not found": { done: false, text: "is not there, or has finished" },
};

const runNowWords: Words<Awaited<ReturnType<typeof runJobNow>>> = {
  due: { done: true, text: "is due now" },
  parked: { done: false, text: "is a webhook whose endpoint takes none: resume that" },
  active: { done: false, text: "runs already" },
  "not found": { done: false, text: "is not there, or was completed or cancelled: enqueue another" },
};

async function retry(db: Queryable, id: number): Promise<Answer> {
  const [refusal] = (await retryJobs(db, id)).refused;
  if (!refusal) return { answer: "retried", done: true, text: "is queued again, with all its attempts" };
  if (refusal.reason !== "not-a-dead-letter")
    return { answer: refusal.reason, done: false, text: `stays a dead letter: ${whyRefused(refusal)}` };
  const answer = await runJobNow(db, id);
  return { answer, ...runNowWords[answer] };
}

/** A command that does something to jobs, one after the other: of several it shows what they are, and asks. */
function verb(name: string, description: string, act: Act): Command {
  return databaseCommand(name, description)
    .argument("<jobs...>", "their ids", wholeNumbers)
    .option("--yes", "do not ask")
    .addHelpText("after", `\nExit status: ${exitCodes.failed} if it could not be done to all of them.`)
    .action((ids: readonly number[], options: VerbOptions) =>
      withDatabase(options, async (db) => {
        if (ids.length > 1 && !(await isWanted(db, name, ids, options))) return;
        const answers: (Answer & { readonly id: number })[] = [];
        for (const id of new Set(ids)) answers.push({ id, ...(await act(db, id, options)) });
        if (options.json) printJson(answers.map(({ id, answer, done }) => ({ id, answer, done })));
        else for (const { id, done, text } of answers) (done ? print : printToStderr)(`job #${id} ${text}`);
        if (answers.some(({ done }) => !done)) process.exitCode = exitCodes.failed;
      }),
    );
}

const maxShown = 20;

async function isWanted(db: Queryable, name: string, ids: readonly number[], options: VerbOptions): Promise<boolean> {
  if (options.yes) return true;
  for (const id of ids.slice(0, maxShown)) {
    const job = await getJob(db, id);
    printToStderr(toOneLine(`#${id} ${job ? `${job.name} · ${job.queue} · ${jobState(job)}` : "is not there"}`));
  }
  if (ids.length > maxShown) printToStderr(`… and ${ids.length - maxShown} more`);
  return confirmed(`${name} ${ids.length} jobs?`, options);
}
