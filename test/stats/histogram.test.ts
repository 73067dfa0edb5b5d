import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bounds, findBucket, Histogram, computeQuantile } from "../../src/stats/histogram.ts";

test("a value is counted in the first bucket whose bound is not less", () => {
  const values = [0, 0.3, 1, 1.001, 2, 2.5, 4, 1_000, 1_024, 1_024.5, 2 ** 22, 2 ** 22 + 1, 2 ** 40, Infinity];
  expect(values.map(findBucket)).toEqual([0, 0, 0, 1, 1, 2, 2, 10, 10, 11, 22, 23, 23, 23]);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 2 ** 32, noNaN: true }), (value) => {
      const first = bounds.findIndex((bound) => value <= bound);
      expect(findBucket(value)).toBe(first === -1 ? bounds.length : first);
    }),
  );
});

function counted(values: readonly number[]): number[] {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram.counts;
}

describe("a quantile", () => {
  test("is less than twice, and more than half of the true one", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1, max: 2 ** 22, noNaN: true, minExcluded: true }), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        (values, share) => {
          const truly = values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] as number;
          const told = computeQuantile(counted(values), share) as number;
          expect(told).toBeLessThanOrEqual(2 * truly);
          expect(told).toBeGreaterThanOrEqual(truly / 2);
        },
      ),
    );
  });

  test("is interpolated within its bucket", () => {
    // Ten values from 512 to 1024: the half of them is halfway.
    expect(computeQuantile(counted(Array.from({ length: 10 }, () => 600)), 0.5)).toBe(768);
    expect(computeQuantile(counted([0.2, 0.2]), 0.5)).toBe(0.5);
  });

  test("of nothing is null, and of what is beyond the last bound that bound", () => {
    expect(computeQuantile(counted([]), 0.95)).toBeNull();
    expect(computeQuantile(counted([2 ** 30]), 0.5)).toBe(2 ** 22);
  });
});
