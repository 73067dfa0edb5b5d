// Bad input is a typed error that names its place, before any SQL: a surrounding transaction goes on. Good input comes back as it went in.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { asc, eq, sql } from "drizzle-orm";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { soniqJobs } from "../../schema/index.ts";
import {
  defineJob,
  enqueue,
  enqueueMany,
  type EnqueueOptions,
  InvalidValueError,
  SoniqError,
} from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { type Random, randomFrom, seed } from "../support/random.ts";
import { recordedDatabase } from "../support/recorded-database.ts";

const { url } = await testDatabase();
const { db, sent } = recordedDatabase(url);
const any = defineJob({ name: "any", payload: v.any() });
const order = defineJob({
  name: "order",
  payload: v.object({ id: v.number(), lines: v.array(v.object({ "unit price": v.number() })) }),
  unique: { by: ({ id }) => (id === 0 ? (7 as unknown as string) : null) },
});

/** What an enqueue throws, in a transaction that commits another job all the same. */
async function thrownBy(enqueueIt: (db: Parameters<typeof enqueue>[0]) => Promise<unknown>): Promise<unknown> {
  let thrown: unknown;
  const { id } = await db.transaction(async (tx) => {
    sent.length = 0;
    thrown = await enqueueIt(tx).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(sent).toEqual([]);
    return enqueue(tx, any, "after");
  });
  expect(await db.select({ id: soniqJobs.id }).from(soniqJobs).where(eq(soniqJobs.id, id))).toHaveLength(1);
  expect(thrown).toBeInstanceOf(InvalidValueError);
  expect(thrown).toBeInstanceOf(SoniqError);
  return thrown;
}

describe("a payload", () => {
  test.each<[string, unknown, string]>([
    ["undefined", undefined, "job any: payload is undefined, which JSON cannot carry"],
    ["NaN", { lines: [{ price: NaN }] }, "job any: payload.lines[0].price is NaN, which JSON cannot carry"],
    ["a bigint", { id: 1n }, "job any: payload.id is a bigint, which JSON cannot carry"],
    ["a NUL", ["\0"], "job any: payload[0] has a NUL character, which PostgreSQL cannot store: remove it"],
    [
      "a Date",
      { at: new Date(0) },
      "job any: payload.at is a Date, which JSON cannot carry: pass a string or number and transform it in the validator",
    ],
    [
      "five megabytes",
      "x".repeat(5 * 1024 * 1024),
      "job any: payload is more than 1048576 bytes of JSON: store it elsewhere and pass its id",
    ],
  ])("that JSON or PostgreSQL cannot carry: %s", async (_what, payload, message) => {
    expect(await thrownBy((tx) => enqueue(tx, any, payload))).toHaveProperty("message", message);
    expect(await thrownBy((tx) => enqueueMany(tx, any, [1, payload]))).toHaveProperty(
      "message",
      message.replace("payload", "payloads[1]"),
    );
  });

  test.each<[unknown, path: string]>([
    [{ id: "1", lines: [] }, "payload.id"],
    [{ id: 1, lines: [{ "unit price": 1 }, { "unit price": "2" }] }, 'payload.lines[1]["unit price"]'],
    [{ id: 1 }, "payload.lines"],
    [null, "payload"],
  ])("that its validator refuses: %j", async (payload, path) => {
    const thrown = await thrownBy((tx) => enqueue(tx, order, payload as never));
    expect(thrown).toMatchObject({ path, message: expect.stringContaining(`job order: ${path} is not valid: `) });
  });

  test("that an asynchronous validator refuses, one of many", async () => {
    const known = defineJob({
      name: "known",
      payload: z.string().refine(async (text) => text !== "b", "is not known"),
    });
    expect(await thrownBy((tx) => enqueueMany(tx, known, ["a", "b"]))).toHaveProperty(
      "message",
      "job known: payloads[1] is not valid: is not known",
    );
  });

  test("that gives no text for a unique key", async () => {
    expect(await thrownBy((tx) => enqueue(tx, order, { id: 0, lines: [] }))).toHaveProperty(
      "message",
      "job order: unique.by is 7: give a text",
    );
  });
});

describe("options", () => {
  const invalidDate = new Date(Number.NaN);
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const text = "give a text";
  const priority = "give a whole number from 0 (first) to 9 (last)";
  const attempts = "give a whole number from 1 to 1000000";
  const duration =
    'which is not a duration: give milliseconds, or a number with one of the units ms, s, m, h and d, such as "30s", "24h" or "7d"';
  test.each<[object, path: string, problem: string]>([
    [{ priority: 10 }, "priority", `is 10: ${priority}`],
    [{ priority: -1 }, "priority", `is -1: ${priority}`],
    [{ priority: 1.5 }, "priority", `is 1.5: ${priority}`],
    [{ priority: Number.NaN }, "priority", `is NaN: ${priority}`],
    [{ priority: "1" }, "priority", `is "1": ${priority}`],
    [{ priority: 1n }, "priority", `is a bigint: ${priority}`],
    [{ priority: Object.create(null) as object }, "priority", `is an object of no class: ${priority}`],
    [{ maxAttempts: 0 }, "maxAttempts", `is 0: ${attempts}`],
    [{ maxAttempts: 2 ** 31 }, "maxAttempts", `is 2147483648: ${attempts}`],
    [{ maxAttempts: Number.POSITIVE_INFINITY }, "maxAttempts", `is Infinity: ${attempts}`],
    [{ runAt: invalidDate }, "runAt", "is an invalid Date"],
    [{ runAt: "2026-11-23T00:00:00Z" }, "runAt", 'is "2026-11-23T00:00:00Z": give a Date'],
    [{ runAt: 1_700_000_000_000 }, "runAt", "is 1700000000000: give a Date"],
    [{ runAt: null }, "runAt", "is null: give a Date"],
    [{ delay: "5 minutes" }, "delay", `is "5 minutes", ${duration}`],
    [{ delay: -1 }, "delay", `is -1, ${duration}`],
    [{ delay: "-5m" }, "delay", `is "-5m", ${duration}`],
    [{ delay: Number.POSITIVE_INFINITY }, "delay", `is Infinity, ${duration}`],
    [{ delay: Number.NaN }, "delay", `is NaN, ${duration}`],
    [{ delay: 1n }, "delay", `is a bigint, ${duration}`],
    [{ delay: cyclic }, "delay", `is an Object, ${duration}`],
    [{ delay: "99999999d" }, "delay", `is "99999999d", which is too long: give no more than 6,000 years`],
    [{ runAt: new Date(), delay: 1 }, "runAt", "cannot be combined with options.delay: give one of them"],
    [{ queue: "" }, "queue", `is empty: ${text}`],
    [{ queue: "a\0b" }, "queue", "has a NUL character, which PostgreSQL cannot store: remove it"],
    [{ queue: "q".repeat(201) }, "queue", "has 201 characters, the limit is 200"],
    [{ queue: 7 }, "queue", `is 7: ${text}`],
    [{ queue: ["mail"] }, "queue", `is an Array: ${text}`],
    [{ uniqueKey: "" }, "uniqueKey", `is empty: ${text}`],
    [
      { uniqueKey: "\ud83c" },
      "uniqueKey",
      "has half of a surrogate pair, which UTF-8 cannot carry: was a text cut inside an emoji?",
    ],
    [{ uniqueKey: 7 }, "uniqueKey", `is 7: ${text}`],
    [{ uniqueKey: Symbol("x") }, "uniqueKey", `is a symbol: ${text}`],
    [{ tags: "mail" }, "tags", 'is "mail": give a list of texts'],
    [{ tags: null }, "tags", "is null: give a list of texts"],
    [{ tags: ["a", 7] }, "tags[1]", `is 7: ${text}`],
    // oxlint-disable-next-line no-sparse-arrays -- a hole is what is tested
    [{ tags: ["a", , "b"] }, "tags[1]", `is undefined: ${text}`],
    [{ tags: ["x".repeat(201)] }, "tags[0]", "has 201 characters, the limit is 200"],
    [{ meta: "trace" }, "meta", 'is "trace": give an object'],
    [{ meta: [1] }, "meta", "is an Array: give an object"],
    [{ meta: null }, "meta", "is null: give an object"],
    [{ meta: { at: { n: NaN } } }, "meta.at.n", "is NaN, which JSON cannot carry"],
    [{ meta: cyclic }, "meta.self", "contains itself: JSON cannot carry a cycle"],
    [
      { meta: new Map() },
      "meta",
      "is a Map, which JSON cannot carry: pass a string or number and transform it in the validator",
    ],
  ])("$0", async (options, path, problem) => {
    const bad = options as EnqueueOptions;
    const first = new InvalidValueError(`options.${path}`, problem).of("job any");
    expect(await thrownBy((tx) => enqueue(tx, any, 1, bad))).toEqual(first);
    expect(await thrownBy((tx) => enqueueMany(tx, any, [1, 2], bad))).toEqual(first);
    const second = new InvalidValueError(`options[1].${path}`, problem.replace("options", "options[1]")).of("job any");
    expect(await thrownBy((tx) => enqueueMany(tx, any, [1, 2], (_, i) => (i === 1 ? bad : {})))).toEqual(second);
  });
});

describe("a definition", () => {
  const by: string[] = [];
  test.each<[object, string]>([
    [{ name: "" }, "name is empty: give a text"],
    [{ name: 7 }, "name is 7: give a text"],
    [{ name: "n".repeat(201) }, "name has 201 characters, the limit is 200"],
    [{ name: "mail", queue: "" }, "job mail: queue is empty: give a text"],
    [{ name: "mail", priority: 10 }, "job mail: priority is 10: give a whole number from 0 (first) to 9 (last)"],
    [{ name: "mail", maxAttempts: 0 }, "job mail: maxAttempts is 0: give a whole number from 1 to 1000000"],
    [
      { name: "mail", timeout: "2 minutes" },
      'job mail: timeout is "2 minutes", which is not a duration: give milliseconds, or a number with one of the units ms, s, m, h and d, such as "30s", "24h" or "7d"',
    ],
    [
      { unique: {} },
      "unique.by is undefined: give a list of the payload's properties, or a function that makes a text of it",
    ],
    [{ unique: { by: [7] } }, "unique.by is an Array: give a list"],
    [{ unique: { by, onConflict: "ignore" } }, 'unique.onConflict is "ignore": give "keep", "error", "replace" or'],
    [{ unique: { by, until: "done" } }, 'unique.until is "done": give "started" or "finished"'],
    [
      { unique: { by, until: "finished", onConflict: "replace" } },
      'unique.until is "finished", but a job that runs cannot be changed: with "replace", leave it out',
    ],
    [
      { unique: { by, within: "1h", onConflict: "reschedule" } },
      'unique.within does not go with "reschedule": for at most one job per window, use "keep" or "error"',
    ],
    [
      { unique: { by, maxWait: "1h" } },
      'unique.maxWait does not go with "keep": only "reschedule" moves a job\'s time',
    ],
    [{ unique: { by, within: 0 } }, "unique.within is 0: leave it out"],
    [{ unique: { by, within: "1 hour" } }, 'unique.within is "1 hour", which is not a duration'],
    [
      { unique: { by, maxWait: "0s", onConflict: "reschedule" } },
      "unique.maxWait is 0: no enqueue could reschedule the job; leave it out for no limit",
    ],
  ])("out of range is refused as it is made: %j", (settings, message) => {
    expect(() => defineJob({ name: "mail", payload: v.null(), ...settings } as never)).toThrow(message);
  });
});

const texts = [
  "",
  "a",
  "\u0001\n\t",
  '"\\',
  "é€🎉\u2028",
  "null",
  '{"a":1}',
  "\ufffe",
  "$1",
  "'",
  "__proto__x",
  "x".repeat(300),
];

function randomValue(random: Random, depth: number): unknown {
  const pick = <T>(from: readonly T[]) => from[random.below(from.length)] as T;
  switch (random.below(depth > 5 ? 4 : 6)) {
    case 0:
      return pick([null, true, false]);
    case 1:
      return pick([0, 1, -1, 0.1, 2 ** 53, -(2 ** 53), 1e21, 1e-7, Number.MAX_VALUE, Number.MIN_VALUE]);
    case 2:
      return (random.next() - 0.5) * 10 ** (random.below(600) - 300);
    case 3:
      return pick(texts);
    case 4:
      return Array.from({ length: random.below(5) }, () => randomValue(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(5) }, (_, i) => [pick(texts) + String(i), randomValue(random, depth + 1)]),
      );
  }
}

test(`any JSON value comes back as it went in (seed ${seed})`, async () => {
  const random = randomFrom(seed);
  const values = Array.from({ length: 1_000 }, () => randomValue(random, 0));
  const round = defineJob({ name: "round", payload: z.json() });
  await enqueueMany(db, round, values as z.core.util.JSONType[], (_, i) => ({ meta: { value: values[i] } }));
  const rows = await db
    .select({ payload: sql<string>`${soniqJobs.payload}::text`, meta: sql<string>`${soniqJobs.meta}::text` })
    .from(soniqJobs)
    .where(eq(soniqJobs.name, "round"))
    .orderBy(asc(soniqJobs.id));
  expect(rows.map(({ payload }): unknown => JSON.parse(payload))).toStrictEqual(values);
  expect(rows.map(({ meta }): unknown => JSON.parse(meta))).toStrictEqual(values.map((value) => ({ value })));
});

test("a validator may answer later, with a promise of any library's", async () => {
  const refusal = { issues: [{ message: "not today" }] };
  // oxlint-disable-next-line no-thenable -- what some libraries promise with
  const answer = { then: (tell: (answered: typeof refusal) => void) => setImmediate(tell, refusal) };
  const payload = {
    "~standard": { version: 1, vendor: "test", validate: () => answer },
  } as unknown as StandardSchemaV1<string>;
  const job = defineJob({ name: "late", payload });
  await expect(enqueue(db, job, "now")).rejects.toThrow("payload is not valid: not today");
});

test.each([
  [
    "Valibot quotes",
    v.pipe(v.string(), v.regex(/^[A-Z]+$/)),
    "payload.iban is not valid: Invalid format: Expected /^[A-Z]+$/",
  ],
  [
    "a message of the user's own quotes",
    v.pipe(
      v.string(),
      v.check(
        () => false,
        ({ input }) => `${input} is unknown`,
      ),
    ),
    "payload.iban is not valid: … is unknown",
  ],
  [
    "one was changed before, too",
    v.pipe(v.string(), v.toUpperCase(), v.regex(/^\d+$/)),
    "payload.iban is not valid: Invalid format: Expected /^\\d+$/",
  ],
])("what %s of a value is not said: it is kept with the job", async (_who, iban, message) => {
  const job = defineJob({ name: "pay", payload: v.object({ iban }) });
  await expect(enqueue(db, job, { iban: "de89 SECRET" })).rejects.toMatchObject({ message: `job pay: ${message}` });
});

test("what kind of value it is may be said", async () => {
  const job = defineJob({ name: "pay", payload: v.object({ iban: v.string() }) });
  await expect(enqueue(db, job, {} as never)).rejects.toThrow(/Invalid key: Expected "iban" but received undefined$/);
});
