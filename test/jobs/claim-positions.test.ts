// Where a claim starts. That jobs behind the marks are found all the same is the claimer's affair.
import { describe, expect, test } from "vitest";
import { ClaimPositions, queueStart, type ClaimPosition } from "../../src/jobs/claim/claim-positions.ts";

/** A time as the database writes it. @param n its microseconds */
const at = (n: number) => `2030-01-01 00:00:00.${String(n).padStart(6, "0")}+00`;
const mark = (n: number, { priority = 5, id = n } = {}): ClaimPosition => ({ priority, runAt: at(n), id });
/** Jobs of one claim, one microsecond apart. */
const claimed = (from: number, jobs: number, priority = 5) =>
  Array.from({ length: jobs }, (_, i) => mark(from + i, { priority }));

/** Where the next claim starts in a priority. */
const startOf = (marks: ClaimPositions, priority = 5) => marks.starts()[priority];

function marksAfter(...claims: ClaimPosition[][]): ClaimPositions {
  const marks = new ClaimPositions();
  for (const jobs of claims) marks.advance(jobs);
  return marks;
}

test("the first claim starts at the beginning of every priority", () => {
  expect(new ClaimPositions().starts()).toEqual(queueStart);
  expect(queueStart.map(({ priority }) => priority)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("an empty claim changes nothing", () => {
  expect(marksAfter([]).starts()).toEqual(queueStart);
});

describe("the start stays behind the newest claim", () => {
  test("by a thousand jobs: with fewer, claims start at the beginning", () => {
    expect(startOf(marksAfter(claimed(0, 999)))).toEqual(queueStart[5]);
    expect(startOf(marksAfter(claimed(0, 500), claimed(500, 499)))).toEqual(queueStart[5]);
  });

  test("at the end of a claim, with a thousand jobs claimed after it", () => {
    const marks = marksAfter(claimed(0, 500), claimed(500, 500));
    marks.advance(claimed(1_000, 499));
    expect(startOf(marks)).toEqual(queueStart[5]);
    marks.advance(claimed(1_499, 1));
    expect(startOf(marks)).toEqual(mark(499));
  });

  test("and goes on with each claim", () => {
    const marks = marksAfter(...[0, 500, 1_000, 1_500, 2_000].map((from) => claimed(from, 500)));
    expect(startOf(marks)).toEqual(mark(1_499));
  });

  test("in each priority for itself", () => {
    const mixed = (from: number) => [...claimed(from, 500, 3), ...claimed(from, 10, 7)];
    const marks = marksAfter(...[0, 500, 1_000, 1_500].map(mixed));
    expect(startOf(marks, 3)).toEqual(mark(999, { priority: 3 }));
    expect(startOf(marks, 7)).toEqual(queueStart[7]);
    expect(startOf(marks, 5)).toEqual(queueStart[5]);
  });
});

describe("a claim of older jobs, which a look has found,", () => {
  test("does not move the start back", () => {
    const marks = marksAfter(...[1_000, 2_000, 3_000].map((from) => claimed(from, 1_000)));
    const before = startOf(marks);
    marks.advance(claimed(0, 1_000));
    expect(startOf(marks)).toEqual(before);
  });

  test("does not move it forward either, since the jobs behind the newest claim are as many as before", () => {
    const marks = marksAfter(claimed(1_000, 600), claimed(2_000, 600));
    marks.advance(claimed(0, 900));
    expect(startOf(marks)).toEqual(queueStart[5]);
  });
});

test("of two jobs with the same time the id decides which is newer", () => {
  const same = (ids: number[]) => ids.map((id) => ({ priority: 5, runAt: at(7), id }));
  const marks = marksAfter(same([1, 2, 3]), same([9, 10]), claimed(8, 1_000));
  expect(startOf(marks)).toEqual({ priority: 5, runAt: at(7), id: 10 });
});

test("the time is kept to the microsecond", () => {
  const marks = marksAfter([mark(123_456)], [mark(123_457)], claimed(123_458, 1_000));
  expect(startOf(marks)?.runAt).toBe("2030-01-01 00:00:00.123457+00");
});

test("the memory of many small claims stays bounded by the jobs they stay behind", () => {
  const marks = new ClaimPositions();
  for (let n = 0; n < 5_000; n += 1) marks.advance([mark(n)]);
  expect(startOf(marks)).toEqual(mark(3_999));
});
