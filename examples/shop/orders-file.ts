import { readFile } from "node:fs/promises";
import { parse } from "csv-parse/sync";

const columns = ["order", "customer", "email", "currency", "item", "quantity", "unit_price"] as const;

/** One line of the file, as unchecked text. */
export type OrderRow = Readonly<Record<(typeof columns)[number], string>>;

/** The lines of one order. A line with too few or too many cells is null. */
export interface FileOrder {
  readonly number: string;
  readonly rows: readonly (OrderRow | null)[];
}

/** The file is missing or is not a file of orders. The message is for the user who passed its name. */
export class OrdersFileError extends Error {}

/**
 * Reads a CSV file of orders. Consecutive lines with the same order number are one order. If the number occurs again further
 * down, that is a second order, which the database refuses.
 */
export async function readOrders(path: string): Promise<FileOrder[]> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new OrdersFileError(`Cannot read ${path}: ${error.code === "ENOENT" ? "no such file" : error.message}`);
  });
  const [header = [], ...records] = parseCsv(path, bytes);
  const missing = columns.filter((column) => !header.includes(column));
  if (missing.length > 0) throw new OrdersFileError(`${path} is not a file of orders: no column ${missing.join(", ")}`);

  const orders: { number: string; rows: (OrderRow | null)[] }[] = [];
  for (const record of records) {
    const cell = (column: string) => record[header.indexOf(column)] ?? "";
    const number = cell("order").trim();
    const row = Object.fromEntries(columns.map((column) => [column, cell(column)])) as OrderRow;
    if (orders.at(-1)?.number !== number) orders.push({ number, rows: [] });
    orders.at(-1)?.rows.push(record.length === header.length ? row : null);
  }
  return orders;
}

function parseCsv(path: string, bytes: Buffer): string[][] {
  try {
    return parse(bytes, { bom: true, skip_empty_lines: true, relax_column_count: true, relax_quotes: true });
  } catch (error) {
    throw new OrdersFileError(`${path} is not CSV: ${(error as Error).message}`);
  }
}
