import { printToStderr, toOneLine, print, printJson } from "../core/terminal.js";

/** The columns of a table by title; each function returns the cell of a row. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => string | number | Date | null | undefined>>;

/**
 * Prints rows: a table for people, or one JSON array.
 *
 * @param emptyMessage printed instead of a table if there are no rows
 */
export function printRows<Row>(
  rows: readonly Row[],
  columns: Columns<Row>,
  emptyMessage: string,
  { json }: { readonly json?: true },
): void {
  if (json) return printJson(rows);
  if (rows.length === 0) return print(emptyMessage);
  for (const line of formatTable(rows, columns)) print(line);
}

/** Formats a table: a line of titles, and a line per row. */
export function formatTable<Row>(rows: readonly Row[], columns: Columns<Row>): string[] {
  const titles = Object.keys(columns);
  const lines = rows.map((row) => titles.map((title) => formatCell(columns[title]?.(row))));
  const widths = titles.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)));
  return [titles, ...lines].map((line) =>
    line
      .map((text, i) => text.padEnd(widths[i] as number))
      .join("  ")
      .trimEnd(),
  );
}

/**
 * Prints a page of a list: a table and the cursor of the next page, or one JSON object.
 *
 * @param page the rows under `name`, and the cursor of the next page as `next`
 * @param emptyMessage printed instead of a table if the page is empty
 */
export function printPage<Name extends string, Row>(
  page: { readonly [name in Name]: readonly Row[] } & { readonly next: string | undefined },
  name: Name,
  columns: Columns<Row>,
  emptyMessage: string,
  { json }: { readonly json?: true },
): void {
  const { next } = page;
  if (json) return printJson({ [name]: page[name], next: next ?? null });
  printRows(page[name], columns, emptyMessage, {});
  if (next !== undefined) printToStderr(`There may be more: --cursor ${JSON.stringify(next)}`);
}

/** Formats a count that stops at `max`: `10000+` for that many or more. */
export function formatCount(count: number, max: number): string {
  return `${count}${count >= max ? "+" : ""}`;
}

function formatCell(value: string | number | Date | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value instanceof Date ? formatTime(value) : toOneLine(String(value));
}

/** Formats a time for people: in the local time zone, without milliseconds. JSON output has ISO 8601 instead. */
export function formatTime(time: Date): string {
  return time.toLocaleString("sv");
}
