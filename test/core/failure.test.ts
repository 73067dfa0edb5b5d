import { expect, test } from "vitest";
import { classifyFailure } from "../../src/core/failure.ts";

test.each([
  ["55P03", "lock"],
  ["40P01", "lock"],
  ["22P02", "row"],
  ["23505", "row"],
  ["42501", "row"],
  ["57P01", "outage"],
  ["53300", "outage"],
  ["25006", "outage"],
  ["ECONNRESET", "outage"],
  // Five letters, and no SQLSTATE.
  ["EPIPE", "outage"],
  ["CONNECTION_CLOSED", "outage"],
  [undefined, "outage"],
])("%s is a matter of the %s", (code, failure) => {
  expect(classifyFailure(Object.assign(new Error("it failed"), { code }))).toBe(failure);
});

test("a statement that is too long for JavaScript is refused, and no outage", () => {
  const tooLong = new RangeError("Invalid string length");
  expect(classifyFailure(tooLong)).toBe("row");
  expect(classifyFailure(new Error("Failed query", { cause: tooLong }))).toBe("row");
});
