import { eq } from "drizzle-orm";
import type { Database } from "./database.ts";
import { orders, soniqJobs } from "./schema.ts";
import type { MailServer } from "./smtp-server.ts";

/** What happened to the orders of a file: `orders = invoiced + rolledBack + dead + lost`. */
export interface Totals {
  readonly orders: number;
  readonly invoiced: number;
  readonly rolledBack: number;
  readonly retried: number;
  readonly dead: number;
  readonly lost: number;
  readonly duplicated: number;
}

/** Describes each total. */
export const meaning: Record<keyof Totals, string> = {
  orders: "in the file",
  invoiced: "orders whose invoice the mail server accepted",
  rolledBack: "invalid orders: neither order nor job exists",
  retried: "invoices that were refused at first and accepted later",
  dead: "dead letters: the mailbox does not exist, so their jobs were not retried",
  lost: "orders with neither an invoice nor a dead letter",
  duplicated: "invoices accepted more than once",
};

/** Counts the invoices that the mail server received, independently of the states of the jobs. */
export async function countTotals(
  db: Database,
  { accepted, refused }: MailServer,
  file: { readonly orders: number; readonly rolledBack: number },
): Promise<Totals> {
  const committed = await db
    .select({ id: orders.id, state: soniqJobs.state })
    .from(orders)
    .leftJoin(soniqJobs, eq(soniqJobs.id, orders.invoiceJobId));
  const unsent = committed.filter(({ id }) => !accepted.has(id));
  const dead = unsent.filter(({ state }) => state === "dead").length;
  return {
    orders: file.orders,
    invoiced: accepted.size,
    rolledBack: file.rolledBack,
    retried: [...refused.keys()].filter((id) => accepted.has(id)).length,
    dead,
    lost: unsent.length - dead,
    duplicated: [...accepted.values()].filter((times) => times > 1).length,
  };
}
