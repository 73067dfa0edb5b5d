// What becomes of an attempt, by what its handler returned or threw. How it is written down is in test/worker/outcomes.test.ts.
import * as v from "valibot";
import { describe, expect, test, vi } from "vitest";
import {
  Cancel,
  defineJob,
  Discard,
  InvalidValueError,
  type JobDefinition,
  type Outcome,
  RetryAfter,
  Snooze,
} from "../../src/index.ts";
import type { ClaimedJob } from "../../src/jobs/claim/claim.ts";
import {
  decideOutcome,
  type HandlerResult,
  decideInvalidPayload,
  decideUnknownName,
} from "../../src/jobs/settle/outcome.ts";

const claimed: ClaimedJob = {
  id: 1,
  name: "work",
  queue: "default",
  priority: 5,
  runAt: "2030-01-01 00:00:00.000000+00",
  claims: 4,
  claimToken: 9,
  attempt: 3,
  maxAttempts: 10,
  crashes: 0,
  waitMs: 0,
  payload: "null",
  tags: "[]",
  meta: "{}",
};
const lastAttempt = { ...claimed, attempt: 10 };
const settings = { name: "work", payload: v.null() };
const plain = defineJob(settings);
const withResult = defineJob({ ...settings, result: v.any() });

/** By default what the longest backoff of the third attempt gives, 8 s. */
function decided(
  ending: HandlerResult,
  { job = claimed, definition = plain as JobDefinition, random = 1 } = {},
): Outcome {
  return decideOutcome(job, definition, ending, "the session", random);
}

/** The classes of another copy of the package, as a configuration of its own dependencies may have loaded. */
async function secondCopy(): Promise<typeof import("../../src/jobs/definition/directives.ts")> {
  vi.resetModules();
  return import("../../src/jobs/definition/directives.ts");
}

const refuse = () => {
  throw new Error("no");
};

describe("a handler that returns", () => {
  test.each<[what: string, returned: unknown, definition: JobDefinition, result: string | null]>([
    ["nothing completes its job", undefined, plain, null],
    ["something without a result in the definition completes its job, and nothing is kept", { kept: 1 }, plain, null],
    ["what cannot be stored, and need not be, completes its job", 1n, plain, null],
    ["nothing although there is a result completes its job", undefined, withResult, null],
    ["a result completes its job with it", { n: 1, text: "ä" }, withResult, '{"n":1,"text":"ä"}'],
    ["null as its result completes its job with it", null, withResult, "null"],
    ["false as its result completes its job with it", false, withResult, "false"],
    ["an error, which is no directive, completes its job", new Error("returned"), plain, null],
  ])("%s", (_, returned, definition, result) => {
    expect(decided({ returned }, { definition })).toEqual({ kind: "completed", result });
  });

  test.each<[what: string, result: unknown, message: string]>([
    ["a bigint", { n: 1n }, "job work: result.n is a bigint, which JSON cannot carry"],
    ["a NUL character", ["\0"], "job work: result[0] has a NUL character, which PostgreSQL cannot store: remove it"],
    ["a toJSON that throws", { toJSON: refuse }, "job work: result cannot be read: no"],
  ])(
    "%s in its result leaves a dead letter, since its work is done, and the reason says where",
    (_, returned, message) => {
      const outcome = decided({ returned }, { definition: withResult });
      expect(outcome).toMatchObject({
        kind: "dead",
        reason: `its result could not be stored: ${message}`,
        error: { attempt: 3, message },
      });
    },
  );
});

describe("a handler that throws", () => {
  test("an error is tried again after a backoff at random", () => {
    const error = { attempt: 3, worker: "the session", name: "TypeError", message: "no" };
    expect(decided({ threw: new TypeError("no") })).toMatchObject({ kind: "retried", delayMs: 8_000, error });
    expect(decided({ threw: new TypeError("no") }, { random: 0.5 })).toMatchObject({ delayMs: 4_000 });
  });

  test.each<[what: string, threw: unknown, message: string]>([
    ["undefined", undefined, "undefined"],
    ["a text", "just a text", "just a text"],
    ["an object", { status: 500 }, '{"status":500}'],
  ])("%s has failed as well", (_, threw, message) => {
    expect(decided({ threw })).toMatchObject({ kind: "retried", error: { name: "Thrown", message } });
  });

  test("in the last attempt leaves a dead letter with the reason and the error", () => {
    const outcome = decided({ threw: new Error("no paper") }, { job: lastAttempt });
    expect(outcome).toMatchObject({
      kind: "dead",
      reason: "out of attempts: no paper",
      error: { attempt: 10, message: "no paper" },
    });
  });

  test("in an attempt after the last leaves a dead letter: somebody lowered the limit", () => {
    expect(decided({ threw: 1 }, { job: { ...claimed, maxAttempts: 1 } })).toMatchObject({ kind: "dead" });
  });

  test("no secret into the reason of the dead letter", () => {
    const threw = new Error("cannot reach postgres://me:hunter2@db");
    const reason = "out of attempts: cannot reach postgres://me:***@db";
    expect(decided({ threw }, { job: lastAttempt })).toMatchObject({ reason });
  });
});

describe("a backoff of the definition's own", () => {
  const thrown = new Error("busy");

  test("is asked with the attempt and what was thrown", () => {
    const backoff = vi.fn<(attempt: number, error: unknown) => "90s">(() => "90s");
    const definition = defineJob({ ...settings, backoff });
    expect(decided({ threw: thrown }, { definition })).toMatchObject({ kind: "retried", delayMs: 90_000 });
    expect(backoff.mock.calls).toEqual([[3, thrown]]);
  });

  test("may be nothing: at once", () => {
    expect(decided({ threw: thrown }, { definition: defineJob({ ...settings, backoff: () => 0 }) })).toMatchObject({
      delayMs: 0,
    });
  });

  test.each<[what: string, backoff: () => never]>([
    [
      "throws",
      () => {
        throw new Error("broken");
      },
    ],
    ["returns no duration", () => "soon" as never],
    ["returns a negative duration", () => -1 as never],
    ["returns NaN", () => NaN as never],
    ["returns a promise", () => Promise.resolve(1) as never],
  ])("that %s does not keep the job from its retry", (_, backoff) => {
    const definition = defineJob({ ...settings, backoff });
    const error = { message: "busy" };
    expect(decided({ threw: thrown }, { definition })).toMatchObject({ kind: "retried", delayMs: 8_000, error });
  });
});

describe.each(["returned", "threw"] as const)("a directive that is %s", (how) => {
  const ending = (directive: Error) => ({ [how]: directive }) as unknown as HandlerResult;

  test("snoozes", () => {
    expect(decided(ending(new Snooze("5m")))).toEqual({ kind: "snoozed", delayMs: 300_000 });
  });

  test("snoozes in the last attempt too, since that costs none", () => {
    expect(decided(ending(new Snooze(0)), { job: lastAttempt })).toEqual({ kind: "snoozed", delayMs: 0 });
  });

  test("cancels with its reason", () => {
    expect(decided(ending(new Cancel("not wanted")))).toEqual({ kind: "cancelled", reason: "not wanted" });
  });

  test("discards with its reason, whatever attempts are left", () => {
    const error = { name: "Discard", message: "no such order", attempt: 3 };
    expect(decided(ending(new Discard("no such order")))).toMatchObject({
      kind: "dead",
      reason: "discarded: no such order",
      error,
    });
  });

  test("asks for a delay, which comes before any backoff", () => {
    const definition = defineJob({ ...settings, backoff: () => "1s" });
    const error = { name: "RetryAfter", message: "asked to try again later" };
    expect(decided(ending(new RetryAfter("2m")), { definition })).toMatchObject({
      kind: "retried",
      delayMs: 120_000,
      error,
    });
    expect(decided(ending(new RetryAfter(0, "at once")), { definition })).toMatchObject({ delayMs: 0 });
  });

  test("asks for a delay after the last attempt, and has none left", () => {
    const outcome = decided(ending(new RetryAfter("2m", "429")), { job: lastAttempt });
    expect(outcome).toMatchObject({ kind: "dead", reason: "out of attempts: 429" });
  });

  test("has a reason that can be stored, whatever it says", () => {
    expect(decided(ending(new Cancel("a\0b, password=hunter2")))).toMatchObject({ reason: "a\u{fffd}b, password=***" });
    expect(decided(ending(new Discard("a\0b")))).toMatchObject({ reason: "discarded: a\u{fffd}b" });
  });

  test("does the same when a second copy of the package made it", async () => {
    const copy = await secondCopy();
    expect(new copy.Snooze(1).constructor).not.toBe(Snooze);
    expect(decided(ending(new copy.Snooze("5m")))).toEqual({ kind: "snoozed", delayMs: 300_000 });
    expect(decided(ending(new copy.Cancel("why")))).toEqual({ kind: "cancelled", reason: "why" });
    expect(decided(ending(new copy.Discard("why")))).toMatchObject({ kind: "dead", reason: "discarded: why" });
    expect(decided(ending(new copy.RetryAfter("1s")))).toMatchObject({ kind: "retried", delayMs: 1_000 });
  });
});

test("a subclass of a directive is that directive", () => {
  class GoneAway extends Discard {}
  expect(decided({ threw: new GoneAway("moved") })).toMatchObject({ kind: "dead", reason: "discarded: moved" });
});

test.each(["soon", -1, NaN, "5 minutes"])("a delay of %s is refused where the directive is made", (delay) => {
  expect(() => new Snooze(delay as never)).toThrow("snooze");
  expect(() => new RetryAfter(delay as never)).toThrow("RetryAfter");
});

test("a payload that this worker's validator refuses waits as one of an unknown name does, where other code works its queue", () => {
  const refused = new InvalidValueError("payload.n", "is missing");
  const error = { name: "InvalidValueError", message: "payload.n is missing", attempt: 3, worker: "the session" };
  expect(decideInvalidPayload({ ...claimed, claims: 1 }, refused, "the session", 60_000, 1)).toMatchObject({
    kind: "unknown",
    delayMs: 1_000,
    graceMs: 60_000,
    queue: claimed.queue,
    reason: "invalid payload: payload.n is missing",
    error,
    thrown: refused,
  });
});

test("a job of an unknown name is given back more and more slowly, up to half a minute, with jitter", () => {
  const longest = [1, 2, 3, 5, 6, 500].map((claims) => decideUnknownName({ ...claimed, claims }, 60_000, 1));
  expect(longest).toMatchObject(
    [1_000, 2_000, 4_000, 16_000, 30_000, 30_000].map((delayMs) => ({ kind: "unknown", delayMs, graceMs: 60_000 })),
  );
  expect(decideUnknownName({ ...claimed, claims: 1 }, 60_000, 0)).toMatchObject({ delayMs: 500 });
});

test.each<[what: string, ending: HandlerResult, outcome: object]>([
  [
    "a message that is no text",
    { returned: changed(new Cancel("x"), "message", 5) },
    { kind: "cancelled", reason: "5" },
  ],
  ["a message that throws", { threw: changed(new Discard("x"), "message", { toString: null }) }, { kind: "dead" }],
  ["a delay that is none", { returned: changed(new Snooze("1s"), "delayMs", "soon") }, { kind: "retried" }],
  ["a delay that is a bigint", { returned: changed(new Snooze("1s"), "delayMs", 5n) }, { kind: "snoozed", delayMs: 5 }],
  ["a delay that is a symbol", { threw: changed(new RetryAfter("1s"), "delayMs", Symbol("a")) }, { kind: "retried" }],
  [
    "a kind that this version does not know",
    { returned: changed(new Snooze("1s"), "soniq-drizzle.directive", "later") },
    { kind: "retried", error: { message: expect.stringContaining('not know the directive "later"') } },
  ],
])("a directive that was given %s ends its attempt all the same", (_, ending, outcome) => {
  expect(decided(ending)).toMatchObject(outcome);
});

function changed(directive: Error, key: PropertyKey, value: unknown): Error {
  return Object.defineProperty(directive, key, { value });
}
