// A handler's transaction reads and writes arrays as the application's own client does.
import { sql as text } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { afterAll, expect, test } from "vitest";
import { postgresJs } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";

const { url } = await testDatabase({ migrated: false });
const plain = drizzle({ client: postgres(url, { max: 1 }) });
const slot = postgresJs((client) => drizzle({ client })).openSlot(url, 20_000);
afterAll(async () => {
  slot.destroy();
  await plain.$client.end();
});

const inTransaction = (statement: ReturnType<typeof text>) => slot.db.transaction((tx) => tx.execute(statement));

test.each([
  ["numbers", text`select array[1, 2] as x`],
  ["texts that need quotes", text`select array['a,b', 'c"d', 'e\\f', '', 'null', '{}', ' '] as x`],
  ["nested ones", text`select array[[1, 2], [3, 4]] as x`],
  ["none", text`select '{}'::int[] as x`],
  [
    "booleans, and times as Drizzle has them",
    text`select array[true, false] as x, array['2030-01-02 03:04:05+00'::timestamptz] as y`,
  ],
  ["JSON", text`select array['{"a": [1]}'::jsonb] as x`],
  ["a parameter", text`select 2 = any(${text.param([1, 2])}::int[]) as x`],
  ["a parameter of texts", text`select ${text.param(['a"b', "c\\d", "e,f", ""])}::text[] as x`],
  [
    "a nested parameter",
    text`select ${text.param([
      [1, 2],
      [3, 4],
    ])}::int[] as x`,
  ],
])("%s", async (_, statement) => {
  expect([...((await inTransaction(statement)) as Iterable<unknown>)]).toEqual([...(await plain.execute(statement))]);
});

test("a null among the elements stays one, which the driver makes NaN or a word of", async () => {
  const [row] = (await inTransaction(text`select array[1, null] as x, array['a', null] as y`)) as [unknown];
  expect(row).toEqual({ x: [1, null], y: ["a", null] });
});
