// The house keeps the field's language: no name has a word that the glossary forbids, and no comment names a thing by a clause.
import { expect, test } from "vitest";
import { findForbiddenNames, findRelativeClauses } from "./house-figures.ts";
import { parsedFiles } from "./parsed-files.ts";

const files = parsedFiles();

test("no name has a word that the glossary forbids", () => {
  const offences = findForbiddenNames(files).map(
    ({ name, word, place, allowed }) => `${place} ${name}: instead of "${word}", use ${allowed}`,
  );
  expect(offences).toEqual([]);
});

test("no sentence of a comment begins with a What… or Who… clause", () => {
  expect(findRelativeClauses(files)).toEqual([]);
});
