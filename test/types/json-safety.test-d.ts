// A validator whose input would not come back from JSON as it went in does not compile, and the compiler says where and why.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { defineJob } from "../../src/index.ts";
import { equal } from "./equal.ts";

// The sentence that the compiler shows: of what a payload would have to be, the part that no validator is.
type Asked<S extends StandardSchemaV1> = Parameters<typeof defineJob<"job", S, undefined>>[0]["payload"];
type Complaint<S extends StandardSchemaV1> = Asked<S>[Exclude<keyof Asked<S>, keyof S>];
type Says<
  Where extends string,
  What extends string,
> = `payload${Where} is ${What}, which JSON cannot carry: take a string or number and transform it in the validator`;

const withDate = v.object({ at: v.date() });
equal<Complaint<typeof withDate>, Says<".at", "a Date">>(true);
// @ts-expect-error a Date
defineJob({ name: "bad", payload: withDate });

const withBigint = z.object({ lines: z.array(z.object({ id: z.bigint() })) });
equal<Complaint<typeof withBigint>, Says<".lines[].id", "a bigint">>(true);
// @ts-expect-error a bigint in an array
defineJob({ name: "bad", payload: withBigint });

const twice = type({ at: "Date", "until?": "Date" });
equal<Complaint<typeof twice>, Says<".at", "a Date"> | Says<".until", "a Date">>(true);
// @ts-expect-error two of them, one optional
defineJob({ name: "bad", payload: twice });

const maybeUndefined = v.array(v.optional(v.string()));
equal<Complaint<typeof maybeUndefined>, Says<"[]", "undefined">>(true);
// @ts-expect-error undefined in an array, which JSON would make null
defineJob({ name: "bad", payload: maybeUndefined });

// @ts-expect-error a Map
defineJob({ name: "bad", payload: v.object({ prices: v.map(v.string(), v.number()) }) });
// @ts-expect-error a Set
defineJob({ name: "bad", payload: z.object({ tags: z.set(z.string()) }) });
// @ts-expect-error a function
defineJob({ name: "bad", payload: z.object({ callback: z.custom<() => void>() }) });
// @ts-expect-error a method
defineJob({ name: "bad", payload: z.custom<{ id: number; save(): void }>() });
// @ts-expect-error a symbol
defineJob({ name: "bad", payload: v.symbol() });
// @ts-expect-error binary data
defineJob({ name: "bad", payload: v.object({ file: v.instance(Uint8Array) }) });
// @ts-expect-error a URL
defineJob({ name: "bad", payload: v.object({ page: v.instance(URL) }) });
// @ts-expect-error a RegExp
defineJob({ name: "bad", payload: v.object({ matches: v.instance(RegExp) }) });
// @ts-expect-error a Promise
defineJob({ name: "bad", payload: v.object({ rows: v.promise() }) });
// @ts-expect-error no payload
defineJob({ name: "bad", payload: v.undefined() });
// @ts-expect-error no payload
defineJob({ name: "bad", payload: z.void() });
// @ts-expect-error a payload that may be missing
defineJob({ name: "bad", payload: v.optional(v.string()) });
// @ts-expect-error one member of a union
defineJob({ name: "bad", payload: v.union([v.string(), v.object({ at: v.date() })]) });
// @ts-expect-error in a record
defineJob({ name: "bad", payload: z.record(z.string(), z.date()) });
// @ts-expect-error in a tuple
defineJob({ name: "bad", payload: z.tuple([z.string(), z.bigint()]) });
// @ts-expect-error a required property that may be undefined
defineJob({ name: "bad", payload: z.custom<{ name: string | undefined }>() });
// @ts-expect-error a result is stored, too
defineJob({ name: "bad", payload: v.string(), result: v.object({ at: v.date() }) });

// What comes back as it went in.
interface User {
  readonly id: number;
  readonly name: string | null;
}
type Tree = { value: number; children: Tree[] };
defineJob({
  name: "good",
  payload: v.object({
    at: v.pipe(
      v.string(),
      v.transform((text) => new Date(text)),
    ),
  }),
});
defineJob({ name: "good", payload: z.object({ at: z.coerce.date<string>() }) });
defineJob({ name: "good", payload: z.object({ n: z.string().transform(BigInt) }) });
defineJob({ name: "good", payload: v.object({ a: v.optional(v.string()), b: v.nullable(v.number()) }) });
defineJob({ name: "good", payload: z.object({ a: z.string().optional(), b: z.string().nullish() }).partial() });
defineJob({ name: "good", payload: v.pipe(v.string(), v.brand("OrderId")) });
defineJob({ name: "good", payload: z.string().brand<"OrderId">() });
defineJob({ name: "good", payload: v.record(v.string(), v.array(v.boolean())) });
defineJob({ name: "good", payload: type({ kind: "'a' | 'b'", "rows?": "number[]" }) });
defineJob({ name: "good", payload: z.custom<Tree>() });
defineJob({ name: "good", payload: z.custom<User>() });
defineJob({ name: "good", payload: v.pipe(v.tuple([v.string(), v.number()]), v.readonly()) });
defineJob({ name: "good", payload: v.object({ any: v.any(), unknown: v.unknown() }) });
defineJob({ name: "good", payload: z.json() });
