import { expect, test } from "vitest";
import { backoffMs } from "../../src/jobs/settle/backoff.ts";

const hour = 3_600_000;

test.each([
  [1, 2_000],
  [2, 4_000],
  [3, 8_000],
  [10, 1_024_000],
  [11, 2_048_000],
  [12, hour],
  [1_000_000, hour],
])("after attempt %i the next one comes within %i ms", (attempt, longest) => {
  expect(backoffMs(attempt, 1)).toBe(longest);
});

test("the delay is anything from nothing to that, evenly", () => {
  expect([0, 0.25, 0.5, 0.75].map((random) => backoffMs(3, random))).toEqual([0, 2_000, 4_000, 6_000]);
});

test("the delay is whole milliseconds, whatever chance says", () => {
  const delays = Array.from({ length: 200 }, (_, i) => backoffMs(1 + (i % 20), i / 200 + 0.001));
  expect(delays.filter((ms) => !Number.isInteger(ms) || ms < 0 || ms > hour)).toEqual([]);
});
