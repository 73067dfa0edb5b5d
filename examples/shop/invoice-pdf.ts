import { buffer } from "node:stream/consumers";
import Pdf from "pdfkit";
import { writeText } from "./pdf-text.ts";

/** The content of an invoice. Amounts are decimal strings, as PostgreSQL returns them: a float would lose cents. */
export interface Invoice {
  readonly number: string;
  readonly date: Date;
  readonly currency: string;
  readonly customer: { readonly name: string; readonly email: string };
  readonly lines: readonly {
    readonly item: string;
    readonly quantity: number;
    readonly unitPrice: string;
    readonly amount: string;
  }[];
  readonly total: string;
}

const page = { left: 56, right: 539, top: 56 };
/** A row that would start below goes to the next page: the longest item takes ten lines. */
const lastRow = 660;
const columns = [
  { x: 56, width: 215, align: "left" },
  { x: 281, width: 50, align: "right" },
  { x: 337, width: 96, align: "right" },
  { x: 439, width: 100, align: "right" },
] as const;

/**
 * Renders an invoice as PDF, A4, on as many pages as its lines need.
 *
 * @returns the file's bytes and its number of pages
 */
export async function renderInvoice(invoice: Invoice): Promise<{ pdf: Buffer; pages: number }> {
  const doc = new Pdf({ size: "A4", margin: page.top, info: { Title: `Invoice ${invoice.number}` } });
  const bytes = buffer(doc);
  let pages = 1;
  doc.on("pageAdded", () => (pages += 1));

  let y = page.top;
  const write = (text: string) => {
    y = writeText(doc, text, { x: page.left, y, width: page.right - page.left });
  };
  doc.fontSize(20);
  write("Invoice");
  doc.fontSize(10);
  write(`Number: ${invoice.number}`);
  write(`Date: ${invoice.date.toISOString().slice(0, 10)}`);
  y += 16;
  write(invoice.customer.name);
  write(invoice.customer.email);

  const { format } = new Intl.NumberFormat("en", { style: "currency", currency: invoice.currency });
  const money = (amount: string) => format(amount as `${number}`);
  y = writeRow(doc, y + 24, ["Item", "Quantity", "Unit price", "Amount"]);
  for (const { item, quantity, unitPrice, amount } of invoice.lines) {
    y = writeRow(doc, y, [item, String(quantity), money(unitPrice), money(amount)]);
  }
  writeRow(doc, y, ["Total", "", "", money(invoice.total)]);

  doc.end();
  return { pdf: await bytes, pages };
}

/** Writes one row of the table and a rule below it. @returns the y of the next row */
function writeRow(doc: PDFKit.PDFDocument, y: number, cells: [string, string, string, string]): number {
  if (y > lastRow) y = doc.addPage().page.margins.top;
  const ends = columns.map((column, at) => writeText(doc, cells[at] as string, { ...column, y }));
  const end = Math.max(...ends) + 4;
  doc.moveTo(page.left, end).lineTo(page.right, end).lineWidth(0.5).strokeColor("#999999").stroke();
  return end + 6;
}
