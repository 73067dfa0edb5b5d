import { expect, test } from "vitest";
import { splitIntoBatches } from "../../src/core/batches.ts";

const megabyte = 1024 * 1024;
const sizesOf = (rows: readonly number[], maxRows: number) => [...splitIntoBatches(rows, maxRows, (bytes) => bytes)];

test("no rows are no batch", () => {
  expect(sizesOf([], 3)).toEqual([]);
});

test("small rows are cut by their number", () => {
  expect(sizesOf([1, 1, 1, 1, 1], 2)).toEqual([[1, 1], [1, 1], [1]]);
});

test("large rows are cut at 8 MiB, and what is larger goes alone", () => {
  const [four, nine] = [4 * megabyte, 9 * megabyte];
  expect(sizesOf([four, four, four, nine, 1], 100)).toEqual([[four, four], [four], [nine], [1]]);
});
