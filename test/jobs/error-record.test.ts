// What a job keeps of what its handler threw.
import { describe, expect, test } from "vitest";
import { sanitizeText } from "../../src/core/sanitize-text.ts";
import { toErrorRecord } from "../../src/jobs/row/error-record.ts";

const recorded = (thrown: unknown) => toErrorRecord(thrown, 2, "the session");

describe("of an error are kept", () => {
  test("its name, message, code and stack, the attempt and the worker", () => {
    const error = Object.assign(new RangeError("too far"), { code: "E_FAR", response: { body: "not kept" } });
    expect(recorded(error)).toEqual({
      attempt: 2,
      worker: "the session",
      name: "RangeError",
      message: "too far",
      code: "E_FAR",
      stack: error.stack,
    });
  });

  test("a code that is a number, as a text; no other", () => {
    expect(recorded(Object.assign(new Error("a"), { code: 404 }))).toMatchObject({ code: "404" });
    expect(recorded(Object.assign(new Error("a"), { code: { deep: 1 } }))).not.toHaveProperty("code");
  });

  test("its causes in one line, three at the most", () => {
    const [a, b, c, d] = ["a", "b", "c", "d"];
    const causes = new TypeError(a, { cause: new Error(b, { cause: new Error(c, { cause: new Error(d) }) }) });
    expect(recorded(new Error("top", { cause: causes })).cause).toBe("TypeError: a ← Error: b ← Error: c");
    expect(recorded(new Error("top", { cause: "a text" })).cause).toBe("Thrown: a text");
    expect(recorded(new Error("top", { cause: null }))).not.toHaveProperty("cause");
  });

  test("its causes also when they go round in a circle", () => {
    const error = new Error("round");
    error.cause = error;
    expect(recorded(error).cause).toBe("Error: round ← Error: round ← Error: round");
  });

  test("as much as one wants to read", () => {
    const error = Object.assign(new Error("more ".repeat(20_000), { cause: new Error("why ".repeat(20_000)) }), {
      name: "n".repeat(1_000),
      code: "k".repeat(1_000),
      stack: "at line 1\n".repeat(10_000),
    });
    const { name, message, code, stack, cause } = recorded(error);
    const lengths = [name, message, code, stack, cause].map((text) => text?.length);
    expect(lengths).toEqual([200, 2_000, 200, 8_000, 2_000]);
  });
});

describe("of an error that has others within are kept", () => {
  test("their names and messages, beside its own", () => {
    const error = new AggregateError([new TypeError("a"), new Error("b"), "c"], "both failed");
    expect(recorded(error).message).toBe("both failed: TypeError: a; Error: b; Thrown: c");
  });

  test("those alone, where it says nothing itself, with the first code among them", () => {
    const refused = (address: string) =>
      Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: "ECONNREFUSED" });
    const error = Object.assign(new AggregateError([refused("::1:1"), refused("127.0.0.1:1")]), {
      code: "ECONNREFUSED",
    });
    expect(recorded(error)).toMatchObject({
      code: "ECONNREFUSED",
      message: "ECONNREFUSED: Error: connect ECONNREFUSED ::1:1; Error: connect ECONNREFUSED 127.0.0.1:1",
    });
    expect(recorded(new AggregateError([refused("::1:1")]))).toMatchObject({ code: "ECONNREFUSED" });
  });

  test("what Promise.any says", async () => {
    const thrown = await Promise.any([Promise.reject(new Error("a")), Promise.reject(new Error("b"))]).catch(
      (error: unknown) => error,
    );
    expect(recorded(thrown).message).toBe("All promises were rejected: Error: a; Error: b");
  });

  test("of a cause as well", () => {
    const cause = new AggregateError([new Error("a")], "inner");
    expect(recorded(new Error("outer", { cause })).cause).toBe("AggregateError: inner: Error: a");
  });

  test("a few, without their secrets, and not those within them again", () => {
    const round = new AggregateError([]);
    const many = Array.from(
      { length: 1_000 },
      () => new Error(`at postgres://app:${"hunter2".repeat(30)}@db ${"x".repeat(300)}`),
    );
    round.errors.push(round, ...many);
    const { message } = recorded(round);
    expect(message).toMatch(/^AggregateError: AggregateError: AggregateError; Error: at postgres:\/\/app:\*\*\*@db x/);
    expect(message.split("; ")).toHaveLength(5);
    expect(message).not.toContain("hunter2");
  });

  test("no list of something else that is called errors", () => {
    expect(recorded(Object.assign(new Error("a"), { errors: [{ message: "b" }] })).message).toBe("a");
  });

  test("its name, where neither it nor its code says anything", () => {
    expect(recorded(new RangeError(""))).toMatchObject({ message: "RangeError" });
    expect(recorded(Object.assign(new Error(""), { code: "EPIPE" }))).toMatchObject({ message: "EPIPE" });
  });
});

describe("no secret is kept:", () => {
  test.each([
    ["connect postgres://app:hunter2@db:5432/x failed", "connect postgres://app:***@db:5432/x failed"],
    ["postgres://app:p@ss:w@rd@db", "postgres://app:***@db"],
    ["redis://:hunter2@cache", "redis://:***@cache"],
    ["Authorization: Bearer abc.def-ghi_j/k+l=", "Authorization: Bearer ***"],
    ["authorization: basic aHVudGVyMg==", "authorization: basic ***"],
    ["password=hunter2&user=me", "password=***&user=me"],
    ["PGPASSWORD=hunter2 psql", "PGPASSWORD=*** psql"],
    ['{"api_key":"hunter2","n":1}', '{"api_key":***,"n":1}'],
    ["{ accessToken: 'hunter 2', n: 1 }", "{ accessToken: ***, n: 1 }"],
    ["client-secret: hunter2; n: 1", "client-secret: ***; n: 1"],
    ["x-api-key: hunter2", "x-api-key: ***"],
    ['{"body":"{\\"password\\":\\"hunter2\\"}"}', '{"body":"{\\"password\\":***}"}'],
    ["SECRET_ACCESS_KEY=hunter2", "SECRET_ACCESS_KEY=***"],
  ])("%s", (text, kept) => {
    expect(sanitizeText(text)).toBe(kept);
  });

  test("not in the stack, the causes, the code or the name either", () => {
    const secret = "password=hunter2";
    const error = Object.assign(new Error(secret, { cause: new Error(secret) }), { code: secret, name: secret });
    expect(JSON.stringify(recorded(error))).not.toContain("hunter2");
  });

  test("not where the text is cut", () => {
    const text = `${"x".repeat(1_985)} postgres://app:hunter2hunter2@db`;
    expect(sanitizeText(text)).not.toContain("hunter");
  });

  test.each(["the token was refused", "see https://example.com/a@b", "10:30 at the desk @home"])(
    "what is none stays: %s",
    (text) => expect(sanitizeText(text)).toBe(text),
  );
});

describe("what PostgreSQL cannot store is made storable:", () => {
  test("NUL characters", () => {
    expect(recorded(new Error("a\0b"))).toMatchObject({ message: "a\u{fffd}b" });
  });

  test("half a surrogate pair, also where a text is cut inside one", () => {
    expect(sanitizeText("a\ud83d")).toBe("a\u{fffd}");
    expect(sanitizeText("abc😀", 4)).toBe("abc\u{fffd}");
  });
});

describe("something is kept of", () => {
  const throws = (error: unknown) => ({
    get() {
      throw error;
    },
  });

  test.each<[what: string, thrown: unknown, message: string]>([
    ["a text", "just a text", "just a text"],
    ["an object", { status: 500 }, '{"status":500}'],
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a number", 7, "7"],
    ["a symbol", Symbol("odd"), "Symbol(odd)"],
    ["a bigint", 1n, "an error that cannot be read: TypeError"],
    ["an object without a prototype", Object.create(null), "{}"],
  ])("%s that was thrown", (_, thrown, message) => {
    expect(recorded(thrown)).toEqual({ attempt: 2, worker: "the session", name: "Thrown", message });
  });

  test("an object that contains itself", () => {
    const round: { self?: unknown } = {};
    round.self = round;
    expect(recorded(round).message).toBe("an error that cannot be read: TypeError");
  });

  test.each(["name", "message", "code", "stack", "cause"])("an error whose %s throws", (key) => {
    const error = Object.defineProperty(new Error("a"), key, throws(new RangeError("no")));
    expect(recorded(error).message).toBe("an error that cannot be read: RangeError");
  });

  test("an error whose getter throws something odd", () => {
    const error = Object.defineProperty(new Error("a"), "message", throws("a text"));
    expect(recorded(error).message).toBe("an error that cannot be read: string");
  });

  test("an error whose name and message are no texts", () => {
    const error = Object.assign(new Error("a"), { name: 5, message: { deep: 1 } });
    expect(recorded(error)).toMatchObject({ name: "5", message: "[object Object]" });
  });

  test("a proxy that refuses everything", () => {
    const refuse = () => {
      throw new Error("no");
    };
    const thrown = new Proxy(new Error("a"), { get: refuse, getPrototypeOf: refuse, ownKeys: refuse });
    expect(recorded(thrown).name).toBe("Thrown");
  });
});

test("of a statement that failed, what PostgreSQL said is kept, and no value that was sent", () => {
  const refused = Object.assign(new Error('null value in column "order_id"'), { name: "PostgresError", code: "23502" });
  const wrapped = new Error("Failed query: insert into bookings values ($1)\nparams: 4929-1234", { cause: refused });
  const record = toErrorRecord(wrapped, 1, "w");
  expect(record).toMatchObject({ name: "PostgresError", message: 'null value in column "order_id"', code: "23502" });
  expect(JSON.stringify(record)).not.toContain("4929");
});
