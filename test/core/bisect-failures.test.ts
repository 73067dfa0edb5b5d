import { expect, test } from "vitest";
import { bisectFailures } from "../../src/core/bisect-failures.ts";

const failure = (code: string) => Object.assign(new Error(code), { code });

/** Runs it over these numbers, where each that `refuses` names makes its statement fail. */
async function over(rows: readonly number[], refuses: (row: number) => string | undefined) {
  const failed: number[] = [];
  let statements = 0;
  const run = async (some: readonly number[]) => {
    statements += 1;
    const code = some.map(refuses).find((one) => one !== undefined);
    if (code) throw failure(code);
    return some;
  };
  const outcome = await bisectFailures(rows, run, (row) => failed.push(row)).catch((error: Error) => error.message);
  return { outcome, failed, statements };
}

const hundred = Array.from({ length: 100 }, (_, n) => n);

test("rows that are refused are stepped over, in order, and the others are done", async () => {
  const { outcome, failed } = await over(hundred, (row) => (row % 30 === 7 ? "P0001" : undefined));
  expect(failed).toEqual([7, 37, 67, 97]);
  expect(outcome).toEqual(hundred.filter((row) => !failed.includes(row)));
});

test("a single row may be refused with the code of a missing right", async () => {
  const { outcome, failed } = await over(hundred, (row) => (row === 0 ? "42501" : undefined));
  expect(failed).toEqual([0]);
  expect(outcome).toHaveLength(99);
});

test("a missing right that concerns every row is thrown, after a few statements", async () => {
  const { outcome, failed, statements } = await over(hundred, () => "42501");
  expect(outcome).toBe("42501");
  expect(failed).toEqual([]);
  expect(statements).toBeLessThan(30);
});

test("a refusal of all rows with any other code is one of each row", async () => {
  expect(await over(hundred.slice(0, 20), () => "54000")).toMatchObject({ outcome: [], failed: hundred.slice(0, 20) });
});

test("an outage is thrown at once", async () => {
  expect(await over(hundred, () => "57P01")).toEqual({ outcome: "57P01", failed: [], statements: 1 });
});
