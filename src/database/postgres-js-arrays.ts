import type { Sql } from "postgres";
import { parse } from "postgres-array";

/** The parts of a client's options by which it reads and writes values, by the oid of their type. */
interface Codecs {
  readonly parsers: Record<number, (text: string) => unknown>;
  readonly serializers: Record<number, (value: unknown) => unknown>;
  readonly shared: { readonly typeArrayMap: Record<number, number> };
}

/**
 * Has a client read and write arrays as postgres.js does by default.
 *
 * With `fetch_types` the driver itself asks for the array types as a connection opens, and waits for the answer nowhere: if
 * the connection breaks meanwhile, the unhandled rejection ends the process. So this asks.
 */
export async function learnArrays(client: Sql): Promise<void> {
  const { parsers, serializers, shared } = client.options as unknown as Codecs;
  const types = await client.unsafe<{ oid: number; typarray: number }[]>(
    "select oid::int, typarray::int from pg_type where typarray <> 0 and typdelim = ','",
  );
  for (const { oid, typarray } of types) {
    const parser = parsers[oid];
    shared.typeArrayMap[oid] = typarray;
    parsers[typarray] ??= (text) => (parser ? parse(text, parser) : parse(text));
    serializers[typarray] ??= (value) => arrayText(value, (element) => serializers[oid]?.(element) ?? element);
  }
}

/** PostgreSQL documentation, 8.15.6: each element in quotes, which is never wrong. */
function arrayText(value: unknown, text: (element: unknown) => unknown): unknown {
  if (!Array.isArray(value)) return value;
  const elements = value.map((element: unknown) => {
    if (element === null) return "null";
    if (Array.isArray(element)) return arrayText(element, text);
    return `"${String(text(element)).replace(/["\\]/g, "\\$&")}"`;
  });
  return `{${elements.join()}}`;
}
