import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Command } from "commander";
import type { PageOptions } from "../../core/page.js";
import type { Queryable } from "../../core/queryable.js";
import { exportDeadLetters } from "../../dead-letters/export.js";
import type { DeadLetterFilter } from "../../dead-letters/filter.js";
import { type DeadLetter, listDeadLetters } from "../../dead-letters/list.js";
import { purgeDeadLetters, type PurgeCount, type PurgeRefusal } from "../../dead-letters/purge.js";
import { type RetryCount, retryDeadLetters } from "../../dead-letters/retry.js";
import { type DeadLetterGroup, maxCounted, summarizeDeadLetters } from "../../dead-letters/summarize.js";
import type { RetryRefusal } from "../../jobs/control/retry-jobs.js";
import { confirm } from "../confirm.js";
import { createDatabaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { toFilter, type FilterOptions, parseBulkFilter, addFilterOptions } from "../dead-letter-options.js";
import { exitCodes } from "../exit-codes.js";
import { addPageOptions } from "../page-options.js";
import { type Columns, formatCount, printPage, printRows } from "../print.js";
import { printToStderr, toOneLine, print, printJson, toPrintableJson } from "../../core/terminal.js";
import { explainRefusal } from "../../dead-letters/explain-refusal.js";
import { commandDescriptions } from "../command-descriptions.js";

const noDeadLetters = "no dead letters";

type ListOptions = DatabaseOptions & FilterOptions & PageOptions;
type BulkOptions = DatabaseOptions & FilterOptions & { readonly all?: true; readonly yes?: true };

/** `soniq-drizzle dead` */
export function createDeadCommand(): Command {
  const bulk = (name: string, description: string, action: (options: BulkOptions) => Promise<void>) =>
    addFilterOptions(createDatabaseCommand(name, description))
      .option("--all", "select all dead letters")
      .option("--yes", "do not ask for confirmation")
      .addHelpText(
        "after",
        `\nShows the selected dead letters and asks for confirmation: soniq-drizzle dead ${name} --name send-invoice --since 24h\nExit status: ${exitCodes.failed} if any dead letter could not be changed.`,
      )
      .action(action);
  return new Command("dead")
    .description(commandDescriptions.dead)
    .addCommand(
      addPageOptions(addFilterOptions(createDatabaseCommand("list", "list dead letters, newest first"))).action(list),
    )
    .addCommand(
      addFilterOptions(createDatabaseCommand("summary", "count dead letters by job, reason and error")).action(
        summarize,
      ),
    )
    .addCommand(bulk("retry", "retry dead letters, with all their attempts", retry))
    .addCommand(bulk("purge", "delete dead letters permanently", purge))
    .addCommand(
      addFilterOptions(
        createDatabaseCommand("export", "print dead letters, one JSON object per line, newest first"),
      ).action(exportAll),
    );
}

async function list({ limit, cursor, ...options }: ListOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    printPage(
      await listDeadLetters(db, toFilter(options), { cursor, limit }),
      "deadLetters",
      letterColumns,
      noDeadLetters,
      options,
    );
  });
}

const letterColumns: Columns<DeadLetter> = {
  ID: ({ id }) => id,
  JOB: ({ name }) => name,
  QUEUE: ({ queue }) => queue,
  DIED: ({ finishedAt }) => finishedAt,
  ATTEMPTS: ({ attempt, maxAttempts }) => `${attempt}/${maxAttempts}`,
  RETRIES: ({ manualRetries }) => manualRetries,
  REASON: ({ reason }) => (reason.length > 80 ? `${reason.slice(0, 79)}…` : reason),
};

/** The columns of a group of dead letters that died for the same reason. */
export const groupColumns: Columns<DeadLetterGroup> = {
  JOB: ({ name }) => name,
  REASON: ({ reason }) => reason,
  ERROR: ({ error }) => error,
  COUNT: ({ count }) => count,
  OLDEST: ({ oldest }) => oldest,
  NEWEST: ({ newest }) => newest,
};

async function summarize(options: DatabaseOptions & FilterOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    const found = await summarizeDeadLetters(db, toFilter(options));
    if (options.json) return printJson(found);
    printRows(found.groups, groupColumns, noDeadLetters, {});
  });
}

async function retry(options: BulkOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    const filter = parseBulkFilter(options);
    if (!(await confirmBulk(db, filter, "retry", options))) return;
    const reportRefusals = createRefusalReporter();
    const { retried, refused } = await retryDeadLetters(db, filter, {
      onProgress({ retried: retriedSoFar, refused: refusedSoFar, batch }) {
        reportRefusals(batch.refused);
        reportProgress(retriedSoFar + refusedSoFar, `${retriedSoFar} retried`);
      },
    });
    printResult({ retried, refused }, `retried ${retried} jobs`, options);
  });
}

async function purge(options: BulkOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    const filter = parseBulkFilter(options);
    if (!(await confirmBulk(db, filter, "purge", options))) return;
    const reportRefusals = createRefusalReporter();
    const { purged, refused } = await purgeDeadLetters(db, filter, {
      onProgress({ purged: purgedSoFar, refused: refusedSoFar, batch }) {
        reportRefusals(batch.refused);
        reportProgress(purgedSoFar + refusedSoFar, `${purgedSoFar} purged`);
      },
    });
    printResult({ purged, refused }, `purged ${purged} jobs`, options);
  });
}

/** Shows the selected dead letters by group, and asks for confirmation. */
async function confirmBulk(
  db: Queryable,
  filter: DeadLetterFilter,
  verb: string,
  options: BulkOptions,
): Promise<boolean> {
  if (options.yes) return true;
  const { count, groups } = await summarizeDeadLetters(db, filter);
  if (count === 0) return true;
  for (const group of groups)
    printToStderr(toOneLine(`${group.count} × ${[group.name, group.reason, group.error].filter(Boolean).join(" · ")}`));
  return confirm(`${verb} ${formatCount(count, maxCounted)} dead letters?`, options);
}

const maxReportedRefusals = 10;
const progressIntervalJobs = 10_000;

/** Prints why dead letters were refused. It prints only the first refusals, because all may have the same reason. */
function createRefusalReporter(): (refusals: readonly (RetryRefusal | PurgeRefusal)[]) => void {
  let reported = 0;
  return (refusals) => {
    for (const refusal of refusals.slice(0, maxReportedRefusals - reported)) {
      reported += 1;
      printToStderr(toOneLine(`#${refusal.id} stays: ${explainRefusal(refusal)}`));
    }
  };
}

function reportProgress(total: number, text: string): void {
  if (total % progressIntervalJobs === 0) printToStderr(`${text} so far`);
}

function printResult(count: RetryCount | PurgeCount, text: string, { json }: BulkOptions): void {
  if (json) printJson(count);
  else print(count.refused > 0 ? `${text}; ${count.refused} stay` : text);
  if (count.refused > 0) process.exitCode = exitCodes.failed;
}

async function exportAll(options: DatabaseOptions & FilterOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    await pipeline(Readable.from(exportLines(db, toFilter(options))), process.stdout, { end: false });
  });
}

async function* exportLines(db: Queryable, filter: DeadLetterFilter): AsyncGenerator<string> {
  for await (const letter of exportDeadLetters(db, filter)) yield `${toPrintableJson(JSON.stringify(letter))}\n`;
}
