import type { ComponentChildren } from "preact";

/** A column: its title, what it shows of a row, and how. */
export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => ComponentChildren;
  /** `number` is set to the right, `wide` may be cut, `actions` has no visible title. */
  readonly kind?: "number" | "wide" | "actions";
}

interface TableProps<Row> {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string | number;
  readonly classOf?: (row: Row) => string;
}

/** A table; on a narrow screen, a card for each row. */
export function Table<Row>({ label, rows, columns, keyOf, classOf }: TableProps<Row>) {
  return (
    <div class="table-frame">
      <table class="table" aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ title, kind = "" }) => (
              <th key={title} scope="col" class={kind}>
                {kind === "actions" ? <span class="unseen">{title}</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} class={classOf?.(row)}>
              {columns.map(({ title, of, kind = "" }) => (
                <td key={title} class={kind} data-title={kind === "actions" ? "" : title}>
                  {of(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
