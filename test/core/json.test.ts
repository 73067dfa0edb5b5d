// What JSON and PostgreSQL can carry comes out as its JSON text; all else is refused, and the message says where and why.
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { InvalidValueError } from "../../src/core/errors.ts";
import { toJson } from "../../src/core/json.ts";

const cyclic: Record<string, unknown> = { name: "order" };
cyclic["lines"] = [{ order: cyclic }];

const shared = { same: true };

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i += 1) value = i % 2 ? [value] : { in: value };
  return value;
}

class Money {
  readonly amount = 7;
}
class Price extends Money {
  toJSON(): unknown {
    return { price: this.amount };
  }
}

/** 2^levels objects to whoever walks them all. */
function manyTimes(levels: number): unknown {
  let value: unknown = {};
  for (let i = 0; i < levels; i += 1) value = { a: value, b: value };
  return value;
}

const readable = (get: () => unknown) => ({ enumerable: true, get });
const no = () => {
  throw new Error("no");
};
const nothing = () => {
  // oxlint-disable-next-line no-throw-literal -- some do
  throw null;
};

describe("what can be carried", () => {
  test.each<[string, unknown]>([
    ["an object", { a: 1, b: "two", c: [true, false, null], d: {} }],
    ["texts that need escapes", ['"', "\\", "\n\t\b\f\r", "\u0001\u001f\u007f", "\u2028\u2029", "é€🎉", "</script>"]],
    ["a text that looks like JSON", '{"a":1}'],
    ["an empty text", ""],
    ["numbers of all sizes", [0, -1, 0.1, 1e21, 1e-7, Number.MAX_VALUE, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER]],
    ["keys of all kinds", { "": 1, "a b": 2, "7": 3, é: 4, '"': 5, constructor: 6, toString: 7, prototype: 8 }],
    ["an object without a prototype", Object.assign(Object.create(null) as object, { a: 1 })],
    ["an object of another realm", runInNewContext("({ a: [1, { b: 2 }] })")],
    ["one object in many places", [shared, shared, { again: shared }]],
    ["64 levels", nested(64)],
    ["a proxy", new Proxy({ a: [1] }, {})],
    ["properties that are undefined, which are left out", { a: 1, b: undefined }],
    ["an instance with a toJSON", { total: new Price() }],
    ["a URL", new URL("https://example.com/")],
    [
      "a getter",
      Object.defineProperty(
        {},
        "now",
        readable(() => 7),
      ),
    ],
    ["a frozen value", Object.freeze({ a: Object.freeze([1]) })],
    [
      "properties that are not enumerable, or symbols",
      Object.defineProperty({ [Symbol("s")]: 1 }, "hidden", { value: 1n }),
    ],
  ])("%s", (_what, value) => {
    expect(toJson(value, "payload")).toBe(JSON.stringify(value));
  });

  test("a text of just as many bytes as are allowed", () => {
    expect(toJson("x".repeat(1024 * 1024 - 2), "payload")).toHaveLength(1024 * 1024);
  });
});

describe("what cannot", () => {
  test.each<[string, unknown, path: string, problem: string]>([
    ["undefined", undefined, "", "is undefined"],
    ["undefined in an array", { a: [1, undefined] }, ".a[1]", "is undefined"],
    // oxlint-disable-next-line no-sparse-arrays -- a hole is what is tested
    ["a hole in an array", [1, , 3], "[1]", "is undefined"],
    ["an array of four billion holes", { a: Array(2 ** 32 - 1) }, ".a[0]", "is undefined"],
    ["NaN", { price: Number.NaN }, ".price", "is NaN"],
    ["Infinity", [-Infinity], "[0]", "is -Infinity"],
    ["a bigint", { id: 12n }, ".id", "is a bigint"],
    ["a symbol", { id: Symbol("x") }, ".id", "is a symbol"],
    ["a function", { run: () => 1 }, ".run", "is a function"],
    ["what a toJSON gives", { a: { toJSON: () => [1n] } }, ".a[0]", "is a bigint"],
    ["under keys of odd characters", { "unit price": { "§": [NaN] } }, '["unit price"]["§"][0]', "is NaN"],
    ["under a long key", { ["k".repeat(5_000)]: NaN }, `.${"k".repeat(100)}`, "is NaN"],
  ])("by its kind: %s", (_what, value, path, problem) => {
    expect(() => toJson(value, "payload")).toThrow(
      new InvalidValueError(`payload${path}`, `${problem}, which JSON cannot carry`),
    );
  });

  test.each<[string, unknown, path: string]>([
    ["a Date", { at: new Date(0) }, ".at"],
    ["a Map", new Map(), ""],
    ["a Set", [new Set()], "[0]"],
    ["a Money", [new Money()], "[0]"],
    ["an Error", new Error("x"), ""],
    ["a String", Object("x"), ""],
    ["a Promise", Promise.resolve(1), ""],
    ["a Uint8Array", { file: new Uint8Array(1) }, ".file"],
  ])("by its class: %s", (what, value, path) => {
    const problem = `is ${what}, which JSON cannot carry: pass a string or number and transform it in the validator`;
    expect(() => toJson(value, "payload")).toThrow(new InvalidValueError(`payload${path}`, problem));
  });

  const nul = "has a NUL character, which PostgreSQL cannot store: remove it";
  const half = "has half of a surrogate pair, which UTF-8 cannot carry: was a text cut inside an emoji?";
  const prototype = "is a key that could change an object's prototype: rename it";
  const cycle = "contains itself: JSON cannot carry a cycle";
  const deep = "is nested deeper than 64 levels: flatten it, or store it elsewhere and pass its id";
  const long = "is more than 1048576 bytes of JSON: store it elsewhere and pass its id";
  test.each<[string, () => unknown, path: string, problem: string]>([
    ["a NUL", () => ({ a: "x\0y" }), ".a", nul],
    ["a NUL in a key", () => ({ "x\0y": 1 }), '["x\\u0000y"]', nul],
    ["half an emoji", () => ["🎉".slice(0, 1)], "[0]", half],
    ["half an emoji in a key", () => ({ "\udf89": 1 }), '["\\udf89"]', half],
    ["a __proto__ key", () => JSON.parse('{"a":{"__proto__":{"admin":true}}}') as unknown, ".a.__proto__", prototype],
    ["a cycle", () => cyclic, ".lines[0].order", cycle],
    ["65 levels", () => nested(65), ".in[0]".repeat(32), deep],
    ["10,000 levels", () => ({ a: nested(10_000) }), `.a${"[0].in".repeat(31)}[0]`, deep],
    ["a megabyte of characters", () => ({ a: "x".repeat(1024 * 1024) }), "", long],
    ["a megabyte of bytes", () => "é".repeat(600_000), "", long],
    ["five million numbers", () => Array(5_000_000).fill(0), "", long],
    ["two objects, each twice in the next, and so on", () => manyTimes(50), "", long],
    ["a toJSON that throws", () => ({ a: { toJSON: no } }), ".a", "cannot be read: no"],
    ["a getter that throws", () => ({ a: Object.defineProperty({}, "b", readable(no)) }), ".a.b", "cannot be read: no"],
    [
      "a getter that throws no error",
      () => Object.defineProperty({}, "b", readable(nothing)),
      ".b",
      "cannot be read: null",
    ],
    ["a proxy that cannot be read", () => ({ a: new Proxy({}, { get: no }) }), ".a", "cannot be read: no"],
    ["a proxy that tells no keys", () => [new Proxy({}, { ownKeys: no })], "[0]", "cannot be read: no"],
    ["a proxy that tells no class", () => [new Proxy({}, { getPrototypeOf: no })], "[0]", "cannot be read: no"],
  ])("%s", (_what, value, path, problem) => {
    expect(() => toJson(value(), "payload")).toThrow(new InvalidValueError(`payload${path}`, problem));
  });
});

test("a getter or proxy is asked once: what was checked is what is written", () => {
  let asked = 0;
  const answer = () => ((asked += 1) === 1 ? 1 : Number.NaN);
  expect(toJson(Object.defineProperty({}, "n", readable(answer)), "payload")).toBe('{"n":1}');
  asked = 0;
  const proxy = new Proxy({ n: 0 }, { get: (_target, key) => (key === "n" ? answer() : undefined) });
  expect(toJson(proxy, "payload")).toBe('{"n":1}');
});
