import { setTimeout as sleep } from "node:timers/promises";
import { isNull } from "drizzle-orm";
import type { Database } from "./database.ts";
import { importOrder, InvalidOrder } from "./import-orders.ts";
import type { FileOrder } from "./orders-file.ts";
import { soniqJobs } from "./schema.ts";
import { soniq } from "./soniq-process.ts";

const betweenOrdersMs = 200;
const pollMs = 250;

/**
 * Shows the shop in the dashboard until it is interrupted: imports the orders of the file, then the same orders again and
 * again, while a worker sends their invoices.
 *
 * @param sendAll imports the file and counts what was sent; `work` resolves once all jobs have ended
 * @returns the totals; undefined if it was interrupted before they were counted
 */
export async function showLive<Totals>(
  db: Database,
  environment: Record<string, string>,
  fileOrders: readonly FileOrder[],
  sendAll: (work: () => Promise<void>) => Promise<Totals>,
  interrupted: AbortSignal,
): Promise<Totals | undefined> {
  const ended = new AbortController();
  const signal = AbortSignal.any([interrupted, ended.signal]);
  let totals: Totals | undefined;
  const orders = async () => {
    totals = await sendAll(() => allEnded(db, signal));
    console.log("\nMore orders keep coming in. Press Ctrl-C to stop.");
    await importAgain(db, fileOrders, signal);
  };
  const parts = [
    soniq("dashboard --write --port 0", environment, signal, "terminal"),
    soniq("work", environment, signal),
    orders(),
  ];
  try {
    await Promise.all(parts);
  } catch (error) {
    if (!interrupted.aborted) throw error;
  } finally {
    ended.abort();
    await Promise.allSettled(parts);
  }
  return totals;
}

async function allEnded(db: Database, signal: AbortSignal): Promise<void> {
  while ((await db.$count(soniqJobs, isNull(soniqJobs.finishedAt))) > 0) await sleep(pollMs, undefined, { signal });
}

/** Imports the same orders again and again, each time with new numbers. */
async function importAgain(db: Database, fileOrders: readonly FileOrder[], signal: AbortSignal): Promise<void> {
  for (let round = 2; ; round += 1) {
    for (const { rows } of fileOrders) {
      await sleep(betweenOrdersMs, undefined, { signal });
      const again = rows.map((row) => row && { ...row, order: `${row.order}-${round}` });
      await importOrder(db, { number: again[0]?.order ?? "", rows: again }).catch((error: unknown) => {
        if (!(error instanceof InvalidOrder)) throw error;
      });
    }
  }
}
