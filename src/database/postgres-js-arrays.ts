import type { Sql } from "postgres";
import { parse } from "postgres-array";

/** The parts of a client's options that parse and serialize values, by the type's oid. */
interface Codecs {
  readonly parsers: Record<number, (text: string) => unknown>;
  readonly serializers: Record<number, (value: unknown) => unknown>;
  readonly shared: { readonly typeArrayMap: Record<number, number> };
}

/**
 * Makes a client parse and serialize arrays as postgres.js does by default.
 *
 * With `fetch_types`, the driver queries the array types when a connection opens, and never awaits the query: if the connection breaks
 * in the meantime, the unhandled rejection ends the process. So this function queries them instead.
 */
export async function registerArrayTypes(client: Sql): Promise<void> {
  const { parsers, serializers, shared } = client.options as unknown as Codecs;
  const types = await client.unsafe<{ oid: number; typarray: number }[]>(
    "select oid::int, typarray::int from pg_type where typarray <> 0 and typdelim = ','",
  );
  for (const { oid, typarray } of types) {
    const parser = parsers[oid];
    shared.typeArrayMap[oid] = typarray;
    parsers[typarray] ??= (text) => (parser ? parse(text, parser) : parse(text));
    serializers[typarray] ??= (value) => formatArray(value, (element) => serializers[oid]?.(element) ?? element);
  }
}

/** Formats an array literal. It quotes every element, which is always valid (PostgreSQL documentation, 8.15.6). */
function formatArray(value: unknown, text: (element: unknown) => unknown): unknown {
  if (!Array.isArray(value)) return value;
  const elements = value.map((element: unknown) => {
    if (element === null) return "null";
    if (Array.isArray(element)) return formatArray(element, text);
    return `"${String(text(element)).replace(/["\\]/g, "\\$&")}"`;
  });
  return `{${elements.join()}}`;
}
