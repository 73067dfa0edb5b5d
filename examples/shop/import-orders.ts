import { eq } from "drizzle-orm";
import { enqueue } from "soniq-drizzle";
import { safeParse } from "valibot";
import type { Database } from "./database.ts";
import { sendInvoice } from "./jobs.ts";
import { OrderLine } from "./order-line.ts";
import type { FileOrder, OrderRow } from "./orders-file.ts";
import { customers, orderLines, orders } from "./schema.ts";

/** The order is not valid. */
export class InvalidOrder extends Error {}

/**
 * Imports one order and enqueues the job that sends its invoice, in one transaction: both exist, or neither.
 *
 * @throws InvalidOrder if any of its lines is not valid; the transaction is then rolled back
 */
export async function importOrder(db: Database, { rows }: FileOrder): Promise<void> {
  await db.transaction(async (tx) => {
    const { number, customer, email, currency } = parseLine(rows[0], 1);
    const [buyer] = await tx
      .insert(customers)
      .values({ name: customer, email })
      .onConflictDoUpdate({ target: [customers.email, customers.name], set: { email } })
      .returning();

    const [order] = await tx
      .insert(orders)
      .values({ number, customerId: buyer!.id, currency })
      .onConflictDoNothing()
      .returning();
    if (!order) throw new InvalidOrder("an order with this number exists already");

    const job = await enqueue(tx, sendInvoice, { orderId: order.id });
    await tx.update(orders).set({ invoiceJobId: job.id }).where(eq(orders.id, order.id));

    // An invalid line rolls back the order and the job, which exist already.
    for (const [at, row] of rows.entries()) {
      const line = parseLine(row, at + 1);
      if (line.customer !== customer || line.email !== email || line.currency !== currency) {
        throw new InvalidOrder(`line ${at + 1}: customer or currency differ from line 1`);
      }
      await tx.insert(orderLines).values({ ...line, orderId: order.id, position: at + 1 });
    }
  });
}

function parseLine(row: OrderRow | null | undefined, at: number) {
  if (!row) throw new InvalidOrder(`line ${at}: wrong number of columns`);
  const parsed = safeParse(OrderLine, row, { abortPipeEarly: true });
  if (!parsed.success) throw new InvalidOrder(`line ${at}: ${parsed.issues[0].message}`);
  return parsed.output;
}
