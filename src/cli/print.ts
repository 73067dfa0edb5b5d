import { printToStderr, toOneLine, print, printJson } from "../core/terminal.js";

/** A table's columns by title: what each shows of a row. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => string | number | Date | null | undefined>>;

/**
 * Prints rows: a table for people, or one JSON array.
 *
 * @param none the sentence for people if there are no rows
 */
export function printRows<Row>(
  rows: readonly Row[],
  columns: Columns<Row>,
  none: string,
  { json }: { readonly json?: true },
): void {
  if (json) return printJson(rows);
  if (rows.length === 0) return print(none);
  for (const line of tableLines(rows, columns)) print(line);
}

/** A table: a line of titles, and one for each row. */
export function tableLines<Row>(rows: readonly Row[], columns: Columns<Row>): string[] {
  const titles = Object.keys(columns);
  const lines = rows.map((row) => titles.map((title) => cell(columns[title]?.(row))));
  const widths = titles.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)));
  return [titles, ...lines].map((line) =>
    line
      .map((text, i) => text.padEnd(widths[i] as number))
      .join("  ")
      .trimEnd(),
  );
}

/**
 * Prints a page of a list: a table that says where it goes on, or one JSON object.
 *
 * @param page the rows under their name, and the `next` of the page
 * @param none the sentence for people if the page is empty
 */
export function printPage<Name extends string, Row>(
  page: { readonly [name in Name]: readonly Row[] } & { readonly next: string | undefined },
  name: Name,
  columns: Columns<Row>,
  none: string,
  { json }: { readonly json?: true },
): void {
  const { next } = page;
  if (json) return printJson({ [name]: page[name], next: next ?? null });
  printRows(page[name], columns, none, {});
  if (next !== undefined) printToStderr(`There may be more: --cursor ${JSON.stringify(next)}`);
}

/** A count that goes no further than so many. */
export function countText(count: number, max: number): string {
  return `${count}${count >= max ? "+" : ""}`;
}

function cell(value: string | number | Date | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value instanceof Date ? localTime(value) : toOneLine(String(value));
}

/** A time as people at this terminal read it: their zone, without milliseconds. JSON has ISO 8601. */
export function localTime(time: Date): string {
  return time.toLocaleString("sv");
}
