import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asc, eq, sum } from "drizzle-orm";
import { createTransport, type NodemailerError } from "nodemailer";
import { Discard, defineHandler } from "soniq-drizzle";
import { openDatabase } from "./database.ts";
import { DATABASE_URL, INVOICE_DIR, SMTP_URL } from "./environment.ts";
import { type Invoice, renderInvoice } from "./invoice-pdf.ts";
import { sendInvoice } from "./jobs.ts";
import { customers, orderLines, orders } from "./schema.ts";

const db = openDatabase(DATABASE_URL);
const mailer = createTransport(SMTP_URL);

/** Renders the invoice of an order, saves it as a file and mails it to the customer. */
export const sendInvoiceHandler = defineHandler(sendInvoice, async ({ orderId }, job) => {
  const invoice = await findInvoice(orderId);
  const { pdf, pages } = await renderInvoice(invoice);
  await mkdir(INVOICE_DIR, { recursive: true });
  // Named by the id: an order's number is untrusted text, and might be "../../etc/passwd".
  const file = join(INVOICE_DIR, `invoice-${orderId}.pdf`);
  await writeFile(file, pdf, { signal: job.signal });
  const messageId = await mail(orderId, invoice, pdf, job.signal);
  return { messageId, file, pages };
});

async function findInvoice(orderId: number): Promise<Invoice> {
  const [order] = await db
    .select({
      number: orders.number,
      date: orders.placedAt,
      currency: orders.currency,
      customer: { name: customers.name, email: customers.email },
      total: sum(orderLines.amount),
    })
    .from(orders)
    .innerJoin(customers, eq(customers.id, orders.customerId))
    .leftJoin(orderLines, eq(orderLines.orderId, orders.id))
    .where(eq(orders.id, orderId))
    .groupBy(orders.id, customers.id);
  if (!order) throw new Discard(`order ${orderId} does not exist`);
  const lines = await db
    .select()
    .from(orderLines)
    .where(eq(orderLines.orderId, orderId))
    .orderBy(asc(orderLines.position));
  return { ...order, total: order.total ?? "0", lines };
}

async function mail(orderId: number, invoice: Invoice, pdf: Buffer, signal: AbortSignal): Promise<string> {
  try {
    const sent = await mailer.sendMail({
      // The same for each attempt: if a worker dies between sending and completing, the second copy is recognizable.
      messageId: `<invoice-${orderId}@shop.example>`,
      from: { name: "The Shop", address: "invoices@shop.example" },
      to: { name: invoice.customer.name, address: invoice.customer.email },
      subject: `Invoice ${invoice.number}`,
      text: "Thank you for your order. The invoice is attached.",
      attachments: [{ filename: `invoice-${orderId}.pdf`, content: pdf, contentType: "application/pdf" }],
      signal,
    });
    return sent.messageId;
  } catch (error) {
    // A mailbox that does not exist now will not exist in a minute. All other errors are retried.
    if ((error as NodemailerError).permanent) throw new Discard((error as NodemailerError).message, { cause: error });
    throw error;
  }
}
