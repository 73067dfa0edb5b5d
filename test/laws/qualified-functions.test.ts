// Where others may create functions in a schema of the search path, theirs is called if it fits better than PostgreSQL's own:
// so functions that take any type are called with their schema (the class of CVE-2018-1058).
import { expect, test } from "vitest";
import { page, sourceFiles } from "./source-files.ts";

const polymorphic =
  /(?<![\w.])(?:to_jsonb?|jsonb?_build_(?:object|array)|jsonb?_agg|jsonb?_object_agg|array_(?:agg|length|append|remove|position|cat|prepend|to_string|to_json)|unnest|cardinality|concat_ws|format|num_(?:non)?nulls|row_to_json)\(/g;

test("functions of PostgreSQL that take any type are called as pg_catalog.name", () => {
  const server = sourceFiles().filter(({ room }) => room !== page);
  const calls = server.flatMap(({ path, code }) => [...code.matchAll(polymorphic)].map(([call]) => `${path}: ${call}`));
  expect(calls).toEqual([]);
});
