import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "./database.ts";
import { importOrder, InvalidOrder } from "./import-orders.ts";
import type { FileOrder } from "./orders-file.ts";
import { soniq } from "./soniq-process.ts";

const betweenOrdersMs = 200;

/** Shows the shop in the dashboard, with orders coming in and a worker that sends their invoices, until it is interrupted. */
export async function showLive(
  db: Database,
  environment: Record<string, string>,
  fileOrders: readonly FileOrder[],
  interrupted: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([interrupted, ended.signal]);
  const parts = [
    soniq("dashboard --write --port 0", environment, signal, "terminal"),
    soniq("work", environment, signal),
    importAgain(db, fileOrders, signal),
  ];
  console.log("\nOrders keep coming in. Ctrl-C ends it.");
  try {
    await Promise.all(parts);
  } catch (error) {
    if (!interrupted.aborted) throw error;
  } finally {
    ended.abort();
    await Promise.allSettled(parts);
  }
}

/** The same orders, again and again, each time under new numbers. */
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
