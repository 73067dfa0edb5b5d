import { oneLine } from "./printable.js";

/** A table's columns by title: what each shows of a row. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => string | number | Date | null | undefined>>;

/** Prints rows: a table for people, or one JSON array. */
export function printRows<Row>(rows: readonly Row[], columns: Columns<Row>, { json }: { readonly json?: true }): void {
  if (json) return printJson(rows);
  const titles = Object.keys(columns);
  const lines = rows.map((row) => titles.map((title) => cell(columns[title]?.(row))));
  const widths = titles.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)));
  for (const line of [titles, ...lines])
    console.log(
      line
        .map((text, i) => text.padEnd(widths[i] as number))
        .join("  ")
        .trimEnd(),
    );
}

/** A count that goes no further than so many. */
export function countText(count: number, most: number): string {
  return `${count}${count >= most ? "+" : ""}`;
}

/** Prints a value for programs. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

function cell(value: string | number | Date | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value instanceof Date ? value.toISOString() : oneLine(String(value));
}
