import type { ComponentChildren } from "preact";

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly render: (row: Row) => ComponentChildren;
  /** `number` is aligned right, `wide` may be cut off, `actions` has no visible title. */
  readonly kind?: "number" | "wide" | "actions";
}

interface TableProps<Row> {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string | number;
  readonly classOf?: (row: Row) => string;
}

/** A table. On a narrow screen, each row is a card. */
export function Table<Row>({ label, rows, columns, keyOf, classOf }: TableProps<Row>) {
  return (
    <div class="table-frame">
      <table class="table" aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ title, kind = "" }) => (
              <th key={title} scope="col" class={kind}>
                {kind === "actions" ? <span class="visually-hidden">{title}</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} class={classOf?.(row)}>
              {columns.map(({ title, render, kind = "" }) => (
                <td key={title} class={kind} data-title={kind === "actions" ? "" : title}>
                  {render(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
