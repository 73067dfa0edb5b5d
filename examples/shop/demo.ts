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
import { orders, soniqJobs } from "./schema.ts";
import { type MailServer, startMailServer } from "./smtp-server.ts";
import { countTotals, meaning, type Totals } from "./totals.ts";
import { drain } from "./worker-process.ts";

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupted.abort());

try {
  const { file, json } = readArguments();
  const totals = await demo(file, new Progress(json ? process.stderr : process.stdout));
  console.log(json ? JSON.stringify(totals) : table(totals));
  process.exitCode = totals.lost === 0 && totals.duplicated === 0 ? 0 : 1;
} catch (error) {
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
  if (!interrupted.signal.aborted) console.error(isMistake(error) ? error.message : error);
}

/** Tells what the person at the keyboard can put right from what is wrong with the demo. */
function isMistake(error: unknown): error is Error {
  return error instanceof OrdersFileError || String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS");
}

function readArguments(): { file: string; json: boolean } {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "boolean" } } });
  // npm starts the demo in this folder and tells where it was called itself.
  const [file] = positionals.map((path) => resolve(process.env.INIT_CWD ?? "", path));
  return { file: file ?? join(import.meta.dirname, "orders.csv"), json: values.json ?? false };
}

async function demo(file: string, progress: Progress): Promise<Totals> {
  const fileOrders = await readOrders(file);
  const postgres = await startEmbeddedPostgres({ fsync: "off" });
  const mailServer = await startMailServer();
  const db = openDatabase(postgres.url);
  try {
    await migrate(db, { migrationsFolder: join(import.meta.dirname, "migrations") });
    const rolledBack = await importOrders(db, fileOrders, progress);
    await sendInvoices(postgres.url, mailServer, fileOrders.length - rolledBack, progress);
    await showRetriedJob(db, progress);
    return await countTotals(db, mailServer, { orders: fileOrders.length, rolledBack });
  } finally {
    await db.$client.end();
    await mailServer.close();
    await postgres.stop();
  }
}

/** Imports the orders that are valid; returns how many were rolled back. */
async function importOrders(db: Database, fileOrders: readonly FileOrder[], progress: Progress): Promise<number> {
  let rolledBack = 0;
  for (const [at, order] of fileOrders.entries()) {
    interrupted.signal.throwIfAborted();
    try {
      await importOrder(db, order);
    } catch (error) {
      if (!(error instanceof InvalidOrder)) throw error;
      rolledBack += 1;
      if (rolledBack <= 5) progress.say(`Rolled back ${printable(order.number)}: ${error.message}`);
    }
    progress.status(`Imported ${at + 1 - rolledBack} of ${fileOrders.length} orders`);
  }
  if (rolledBack > 5) progress.say(`Rolled back ${rolledBack - 5} more`);
  progress.say(`Imported ${fileOrders.length - rolledBack} of ${fileOrders.length} orders`);
  return rolledBack;
}

async function sendInvoices(url: string, mailServer: MailServer, jobs: number, progress: Progress): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "shop-invoices-"));
  progress.say(`A worker sends the invoices, which are also in ${folder}`);
  const mailed = () => {
    const refusals = [...mailServer.refused.values()].reduce((sum, times) => sum + times, 0);
    return `Mailed ${mailServer.accepted.size} of ${jobs} invoices, refused for now ${refusals} times`;
  };
  const showing = setInterval(() => progress.status(mailed()), 250);
  try {
    await drain({ DATABASE_URL: url, SMTP_URL: mailServer.url, INVOICE_DIR: folder }, interrupted.signal);
    progress.say(mailed());
  } finally {
    clearInterval(showing);
  }
}

/** Shows what a job knows in the end, found through the order's foreign key. */
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
  progress.say(`Order ${printable(number)} has job ${id}, completed by attempt ${attempt}: ${JSON.stringify(result)}`);
}

/** Text from the file must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "�").slice(0, 40);
}

function table(totals: Totals): string {
  const rows = Object.entries(totals) as [keyof Totals, number][];
  return rows.map(([name, total]) => `${name.padEnd(10)} ${String(total).padStart(6)}  ${meaning[name]}`).join("\n");
}
