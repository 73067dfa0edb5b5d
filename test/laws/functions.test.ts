// A function that takes values of any type is found by the types that it is called with: one that takes those alone is preferred,
// in whatever schema of the search path somebody made it (CVE-2018-1058). So these are called as PostgreSQL's own.
import { expect, test } from "vitest";
import { sourceFiles } from "./source-files.ts";

const polymorphic =
  /(?<![\w.])(to_jsonb?|jsonb?_build_(object|array)|jsonb?_agg|jsonb?_object_agg|row_to_json|array_(agg|append|prepend|cat|length|position|positions|remove|replace|to_string|to_json|upper|lower)|cardinality|unnest|format|concat|concat_ws|num_nulls|num_nonnulls|quote_literal|quote_nullable|width_bucket|generate_subscripts)\(/g;

test("functions that take any type are called by their whole name in SQL", () => {
  const offences = sourceFiles()
    .filter(({ room }) => room !== "src/dashboard/app")
    .flatMap(({ path, code }) =>
      [...code.matchAll(/sql(?:<[^`]*>)?`[^`]*`/g)].flatMap(([statement]) =>
        [...statement.matchAll(polymorphic)].map(([call]) => `${path}: ${call}`),
      ),
    );
  expect(offences).toEqual([]);
});
