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
import type { RetryRefusal } from "../../jobs/control/retry.js";
import { confirmed } from "../confirm.js";
import { databaseCommand, type DatabaseOptions, withDatabase } from "../database-command.js";
import { filterOf, type FilterOptions, filterOrAll, withFilter } from "../dead-letter-options.js";
import { exitCodes } from "../exit-codes.js";
import { withPages } from "../page-options.js";
import { type Columns, countText, printPage, printRows } from "../print.js";
import { printToStderr, toOneLine, print, printJson, toPrintableJson } from "../../core/terminal.js";
import { whyRefused } from "../../dead-letters/why-refused.js";

const noDeadLetters = "no dead letters";

type ListOptions = DatabaseOptions & FilterOptions & PageOptions;
type BulkOptions = DatabaseOptions & FilterOptions & { readonly all?: true; readonly yes?: true };

/** `soniq-drizzle dead` */
export function deadCommand(): Command {
  const bulk = (name: string, description: string, act: (options: BulkOptions) => Promise<void>) =>
    withFilter(databaseCommand(name, description))
      .option("--all", "all dead letters")
      .option("--yes", "do not ask")
      .addHelpText(
        "after",
        `\nShows what there is, and asks: soniq-drizzle dead ${name} --name send-invoice --since 24h\nExit status: ${exitCodes.failed} if any of them stays.`,
      )
      .action(act);
  return new Command("dead")
    .description("list, count, retry, purge or export dead letters: jobs that could not go on")
    .addCommand(withPages(withFilter(databaseCommand("list", "list dead letters, newest first"))).action(list))
    .addCommand(withFilter(databaseCommand("summary", "count dead letters by job, reason and error")).action(summary))
    .addCommand(bulk("retry", "queue dead letters again, with all their attempts", retry))
    .addCommand(bulk("purge", "delete dead letters for good", purge))
    .addCommand(
      withFilter(databaseCommand("export", "print dead letters, one JSON object per line, newest first")).action(
        exportAll,
      ),
    );
}

async function list({ limit, cursor, ...options }: ListOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    printPage(
      await listDeadLetters(db, filterOf(options), { cursor, limit }),
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

/** What people see of dead letters that died of the same. */
export const groupColumns: Columns<DeadLetterGroup> = {
  JOB: ({ name }) => name,
  REASON: ({ reason }) => reason,
  ERROR: ({ error }) => error,
  COUNT: ({ count }) => count,
  OLDEST: ({ oldest }) => oldest,
  NEWEST: ({ newest }) => newest,
};

async function summary(options: DatabaseOptions & FilterOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    const found = await summarizeDeadLetters(db, filterOf(options));
    if (options.json) return printJson(found);
    printRows(found.groups, groupColumns, noDeadLetters, {});
  });
}

async function retry(options: BulkOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    const filter = filterOrAll(options);
    if (!(await isWanted(db, filter, "retry", options))) return;
    const say = sayRefusals();
    const { retried, refused } = await retryDeadLetters(db, filter, {
      onProgress({ retried: done, refused: left, batch }) {
        say(batch.refused);
        sayProgress(done + left, `${done} retried`);
      },
    });
    conclude({ retried, refused }, `retried ${retried} jobs`, options);
  });
}

async function purge(options: BulkOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    const filter = filterOrAll(options);
    if (!(await isWanted(db, filter, "purge", options))) return;
    const say = sayRefusals();
    const { purged, refused } = await purgeDeadLetters(db, filter, {
      onProgress({ purged: done, refused: left, batch }) {
        say(batch.refused);
        sayProgress(done + left, `${done} purged`);
      },
    });
    conclude({ purged, refused }, `purged ${purged} jobs`, options);
  });
}

/** Shows what there is, and asks. */
async function isWanted(db: Queryable, filter: DeadLetterFilter, verb: string, options: BulkOptions): Promise<boolean> {
  if (options.yes) return true;
  const { count, groups } = await summarizeDeadLetters(db, filter);
  if (count === 0) return true;
  for (const group of groups)
    printToStderr(toOneLine(`${group.count} × ${[group.name, group.reason, group.error].filter(Boolean).join(" · ")}`));
  return confirmed(`${verb} ${countText(count, maxCounted)} dead letters?`, options);
}

const maxRefusalsSaid = 10;
const progressEvery = 10_000;

/** Says why some stay: of the first ones, since all may have the same reason. */
function sayRefusals(): (refusals: readonly (RetryRefusal | PurgeRefusal)[]) => void {
  let said = 0;
  return (refusals) => {
    for (const refusal of refusals.slice(0, maxRefusalsSaid - said)) {
      said += 1;
      printToStderr(toOneLine(`#${refusal.id} stays: ${whyRefused(refusal)}`));
    }
  };
}

function sayProgress(total: number, text: string): void {
  if (total % progressEvery === 0) printToStderr(`${text} so far`);
}

function conclude(count: RetryCount | PurgeCount, text: string, { json }: BulkOptions): void {
  if (json) printJson(count);
  else print(count.refused > 0 ? `${text}; ${count.refused} stay` : text);
  if (count.refused > 0) process.exitCode = exitCodes.failed;
}

async function exportAll(options: DatabaseOptions & FilterOptions): Promise<void> {
  await withDatabase(options, async (db) => {
    await pipeline(Readable.from(lines(db, filterOf(options))), process.stdout, { end: false });
  });
}

async function* lines(db: Queryable, filter: DeadLetterFilter): AsyncGenerator<string> {
  for await (const letter of exportDeadLetters(db, filter)) yield `${toPrintableJson(JSON.stringify(letter))}\n`;
}
