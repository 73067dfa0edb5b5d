// By which two workers know that they run the same code.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineJob } from "../../src/index.ts";
import { computeCodeDigest } from "../../src/worker/settings/code-digest.ts";
import { buildRunnables } from "../../src/worker/settings/runnables.ts";

const kept = { completed: 0, cancelled: 0, dead: 0 };

/** The digest of code that is loaded anew for each call. */
function digestOf(payload: unknown, handler: () => unknown = () => 1, settings: object = {}): string {
  const job = defineJob({ name: "job", payload: payload as v.GenericSchema, ...settings });
  return computeCodeDigest(buildRunnables({ job }, { job: handler }, kept, []));
}

/** A Standard Schema validator with something of its own beside it. */
const validator = (own: object): object =>
  Object.defineProperties(new Validator(), Object.getOwnPropertyDescriptors(own));

class Validator {
  readonly "~standard" = { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) };
}
class Stricter extends Validator {
  check() {
    return false;
  }
}

describe("the same code has the same digest:", () => {
  test.each<[what: string, payload: () => unknown]>([
    [
      "Valibot",
      () => v.object({ id: v.number(), email: v.pipe(v.string(), v.email()), more: v.optional(v.array(v.date())) }),
    ],
    ["Zod", () => z.object({ id: z.number().int(), email: z.email(), more: z.array(z.date()).optional() })],
    [
      "Zod, of itself",
      () =>
        z.object({
          name: z.string(),
          get parts() {
            return z.array(z.string());
          },
        }),
    ],
    ["a class", () => new Validator()],
    ["a map, a set, a pattern", () => validator({ map: new Map([[1, new Set([/a/g])]]), at: new Date(0), big: 1n })],
  ])("%s", (_what, payload) => {
    expect(digestOf(payload())).toBe(digestOf(payload()));
  });

  test("also after it was used", () => {
    const [fresh, used] = [z.object({ n: z.number() }), z.object({ n: z.number() })];
    used.safeParse({ n: "1" });
    used.parse({ n: 1 });
    expect(digestOf(used)).toBe(digestOf(fresh));
  });
});

describe("other code has another one:", () => {
  test.each<[what: string, before: () => string, after: () => string]>([
    ["a field", () => digestOf(v.object({ a: v.number() })), () => digestOf(v.object({ b: v.number() }))],
    ["the type of a field", () => digestOf(v.object({ a: v.number() })), () => digestOf(v.object({ a: v.string() }))],
    ["a limit", () => digestOf(v.pipe(v.string(), v.minLength(1))), () => digestOf(v.pipe(v.string(), v.minLength(2)))],
    [
      "a check",
      () =>
        digestOf(
          v.pipe(
            v.string(),
            v.check((s) => s > "a"),
          ),
        ),
      () =>
        digestOf(
          v.pipe(
            v.string(),
            v.check((s) => s > "b"),
          ),
        ),
    ],
    [
      "a field of Zod's",
      () => digestOf(z.object({ a: z.number() })),
      () => digestOf(z.object({ a: z.number().optional() })),
    ],
    [
      "a refinement of Zod's",
      () => digestOf(z.string().refine((s) => s > "a")),
      () => digestOf(z.string().refine((s) => s > "b")),
    ],
    ["a pattern", () => digestOf(validator({ at: /a/ })), () => digestOf(validator({ at: /b/ }))],
    ["a class", () => digestOf(new Validator()), () => digestOf(new Stricter())],
    ["the handler", () => digestOf(v.null(), () => 1), () => digestOf(v.null(), () => 2)],
    [
      "a setting",
      () => digestOf(v.null(), undefined, { maxAttempts: 1 }),
      () => digestOf(v.null(), undefined, { maxAttempts: 2 }),
    ],
  ])("%s", (_what, before, after) => {
    expect(after()).not.toBe(before());
  });
});

describe("nothing keeps a worker from starting:", () => {
  const round: Record<string, unknown> = {};
  round["itself"] = round;
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  const thrower = () => {
    throw new Error("no");
  };
  const endless = (): object =>
    new Proxy(
      {},
      {
        ownKeys: () => ["a", "b"],
        getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
        get: endless,
      },
    );

  test.each<[what: string, own: object]>([
    ["a circle", { round }],
    [
      "a getter that throws",
      {
        get bad() {
          return thrower();
        },
      },
    ],
    [
      "a getter that rejects",
      {
        get bad() {
          return Promise.reject(new Error("no"));
        },
      },
    ],
    ["a revoked proxy", { revoked }],
    ["a proxy that throws", { proxy: new Proxy({}, { ownKeys: thrower, get: thrower, getPrototypeOf: thrower }) }],
    ["a proxy without an end", { endless: endless() }],
    ["a million values", { many: Array.from({ length: 1_000_000 }, (_, n) => n) }],
    ["a large buffer", { buffer: Buffer.alloc(10_000_000) }],
    ["a symbol, a native function", { symbol: Symbol("a"), native: Math.max, bound: thrower.bind(null) }],
    ["no prototype", { bare: Object.create(null) as object }],
  ])("%s", async (_what, own) => {
    expect(digestOf(validator(own))).toMatch(/^[\w-]{22}$/);
    await new Promise(setImmediate);
  });

  test("not even many jobs with large validators", () => {
    const fields = () => Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`field${n}`, z.string()]));
    const jobs = Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [
        `job${n}`,
        defineJob({ name: `job${n}`, payload: z.object(fields()), run: () => {} }),
      ]),
    );
    expect(computeCodeDigest(buildRunnables(jobs, {}, kept, []))).toMatch(/^[\w-]{22}$/);
  });
});
