// Ids, limits and concurrencies on the command line.
import { expect, test } from "vitest";
import { parseWholeNumber } from "../../src/cli/whole-number.ts";

test.each(["1", "17", "9007199254740991"])("%s is a whole number", (text) => {
  expect(parseWholeNumber(text)).toBe(Number(text));
});

test.each(["0", "-1", "1.5", "1e3", "0x10", "", " 1", "n", "9007199254740993"])("%j is none", (text) => {
  expect(() => parseWholeNumber(text)).toThrow("give a whole number from 1.");
});
