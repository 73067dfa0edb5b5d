import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { desc, eq } from "drizzle-orm";
import { migrate } from "drizzle-orm/postgres-js/migrator";
import { startEmbeddedPostgres } from "../../test/support/embedded-postgres.ts";
import { type Database, openDatabase } from "./database.ts";
import { importOrder, InvalidOrder } from "./import-orders.ts";
import { type FileOrder, OrdersFileError, readOrders } from "./orders-file.ts";
import { Progress } from "./progress.ts";
import { showLive } from "./live.ts";
import { orders, soniqJobs } from "./schema.ts";
import { type MailServer, startMailServer } from "./smtp-server.ts";
import { countTotals, meaning, type Totals } from "./totals.ts";
import { soniq } from "./soniq-process.ts";

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupted.abort());

try {
  const totals = await demo(readArguments());
  process.exitCode = totals && (totals.lost > 0 || totals.duplicated > 0) ? 1 : 0;
} catch (error) {
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
  if (!interrupted.signal.aborted) console.error(isMistake(error) ? error.message : error);
}

/** Whether the user can fix the error: then its message is enough, without a stack. */
function isMistake(error: unknown): error is Error {
  return error instanceof OrdersFileError || String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS");
}

interface Arguments {
  readonly file: string;
  readonly json: boolean;
  readonly dashboard: boolean;
}

function readArguments(): Arguments {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "boolean", default: false }, dashboard: { type: "boolean", default: false } },
  });
  // npm starts the demo in this folder; INIT_CWD is the folder where npm was called.
  const [file] = positionals.map((path) => resolve(process.env.INIT_CWD ?? "", path));
  return { file: file ?? join(import.meta.dirname, "orders.csv"), ...values };
}

/** @returns undefined if the demo was interrupted, with the dashboard open, before all invoices were sent */
async function demo({ file, json, dashboard }: Arguments): Promise<Totals | undefined> {
  const progress = new Progress(json ? process.stderr : process.stdout);
  const fileOrders = await readOrders(file);
  progress.print("Starting a PostgreSQL and a mail server on loopback");
  const postgres = await startEmbeddedPostgres({ fsync: "off" });
  const mailServer = await startMailServer();
  const db = openDatabase(postgres.url);
  const folder = await mkdtemp(join(tmpdir(), "shop-invoices-"));
  const environment = { DATABASE_URL: postgres.url, SMTP_URL: mailServer.url, INVOICE_DIR: folder };
  try {
    await migrate(db, { migrationsFolder: join(import.meta.dirname, "migrations") });
    const sendAll = async (work: () => Promise<void>) => {
      const rolledBack = await importOrders(db, fileOrders, progress);
      progress.print(
        `A worker sends the invoices and saves them in ${folder}; the mail server refuses about every fifth at first`,
      );
      await sendInvoices(work, mailServer, fileOrders.length - rolledBack, progress);
      await showRetriedJob(db, progress);
      const totals = await countTotals(db, mailServer, { orders: fileOrders.length, rolledBack });
      console.log(json ? JSON.stringify(totals) : table(totals));
      return totals;
    };
    if (dashboard) return await showLive(db, environment, fileOrders, sendAll, interrupted.signal);
    const totals = await sendAll(() => soniq("work --drain --wait 4s", environment, interrupted.signal));
    if (!json) console.log("\nTo watch this in the dashboard: npm run demo -- --dashboard");
    return totals;
  } finally {
    await db.$client.end();
    await mailServer.close();
    await postgres.stop();
  }
}

/** Imports the orders that are valid; returns how many were rolled back. */
async function importOrders(db: Database, fileOrders: readonly FileOrder[], progress: Progress): Promise<number> {
  progress.print("Importing orders, each with its invoice job in one transaction; some are invalid on purpose");
  let rolledBack = 0;
  for (const [at, order] of fileOrders.entries()) {
    interrupted.signal.throwIfAborted();
    try {
      await importOrder(db, order);
    } catch (error) {
      if (!(error instanceof InvalidOrder)) throw error;
      rolledBack += 1;
      if (rolledBack <= 5)
        progress.print(`  ${printable(order.number)} is invalid, so it was rolled back with its job: ${error.message}`);
    }
    progress.status(`Imported ${at + 1 - rolledBack} of ${fileOrders.length} orders`);
  }
  if (rolledBack > 5) progress.print(`  and ${rolledBack - 5} more`);
  progress.print(
    `Imported ${fileOrders.length - rolledBack} of ${fileOrders.length} orders, rolled back ${rolledBack}`,
  );
  return rolledBack;
}

async function sendInvoices(
  work: () => Promise<void>,
  mailServer: MailServer,
  jobs: number,
  progress: Progress,
): Promise<void> {
  const mailed = () => {
    const refusals = [...mailServer.refused.values()].reduce((sum, times) => sum + times, 0);
    if (mailServer.accepted.size + refusals === 0) return "The worker is starting";
    return `Mailed ${mailServer.accepted.size} of ${jobs} invoices; refused and retried: ${refusals}`;
  };
  const showing = setInterval(() => progress.status(mailed()), 250);
  try {
    await work();
    progress.print(mailed());
  } finally {
    clearInterval(showing);
  }
}

/** Shows a completed job, which it finds through the order's foreign key. */
async function showRetriedJob(db: Database, progress: Progress): Promise<void> {
  const [job] = await db
    .select({ number: orders.number, id: soniqJobs.id, attempt: soniqJobs.attempt, result: soniqJobs.result })
    .from(orders)
    .innerJoin(soniqJobs, eq(soniqJobs.id, orders.invoiceJobId))
    .where(eq(soniqJobs.state, "completed"))
    .orderBy(desc(soniqJobs.attempt), soniqJobs.id)
    .limit(1);
  if (!job) return;
  const { number, id, attempt, result } = job;
  progress.print(
    `Order ${printable(number)} has job ${id}, completed by attempt ${attempt}: ${JSON.stringify(result)}`,
  );
}

/** Removes control characters: text from the file must not control the terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "�").slice(0, 40);
}

function table(totals: Totals): string {
  const rows = Object.entries(totals) as [keyof Totals, number][];
  return rows.map(([name, total]) => `${name.padEnd(10)} ${String(total).padStart(6)}  ${meaning[name]}`).join("\n");
}
