// A monorepo with two versions of Drizzle has two copies of this package: what one throws is caught where the other is imported.
import { describe, expect, test, vi } from "vitest";
import * as ours from "../../src/index.ts";
import * as webhooks from "../../src/webhooks.ts";

vi.resetModules();
const theirs = { ...(await import("../../src/index.ts")), ...(await import("../../src/webhooks.ts")) };

/** The classes that are exported: what an application may ask `instanceof` for. */
const classes = Object.entries({ ...ours, ...webhooks }).filter(([, value]) => isClass(value)) as [string, Class][];
type Class = abstract new (...args: never[]) => Error;

function isClass(value: unknown): boolean {
  return typeof value === "function" && value.prototype instanceof Error;
}

test("there are two copies", () => {
  expect(classes.length).toBeGreaterThan(10);
  for (const [name, ourClass] of classes) expect(theirs[name as keyof typeof theirs]).not.toBe(ourClass);
});

describe.each(classes)("instanceof %s", (name, ourClass) => {
  const theirClass = theirs[name as keyof typeof theirs] as unknown as Class;

  test("is true for one of another copy, and for no other class", () => {
    const foreign: unknown = Object.create(theirClass.prototype);
    const said = classes.filter(([, other]) => foreign instanceof other).map(([other]) => other);
    const lineage = theirClass.prototype instanceof theirs.SoniqError ? ["SoniqError"] : [];
    expect(said).toEqual([...new Set([name, ...lineage])].toSorted());
  });

  test("is false for values of other kinds", () => {
    for (const value of [undefined, null, 7, "text", {}, new Error("mine")])
      expect(value instanceof ourClass).toBe(false);
  });
});

test("an application's own subclass has its own instances alone", () => {
  class Refused extends ours.InvalidValueError {}
  expect(new Refused("payload", "is refused")).toBeInstanceOf(Refused);
  expect(new Refused("payload", "is refused")).toBeInstanceOf(theirs.InvalidValueError);
  expect(new theirs.InvalidValueError("payload", "is refused") instanceof Refused).toBe(false);
});
