// What `enqueue` takes for a payload: the input type of the definition's validator, and no other.
import * as v from "valibot";
import { z } from "zod";
import {
  defineJob,
  enqueue,
  type Enqueued,
  enqueueMany,
  type PayloadInput,
  type PayloadOutput,
  type Queryable,
} from "../../src/index.ts";
import { equal } from "./equal.ts";
import { countRows, greet, importFile, sendInvoice } from "./jobs.ts";

declare const db: Queryable;

// The types of a definition are its validator's: Valibot, Zod, ArkType.
equal<PayloadInput<typeof sendInvoice>, { orderId: number; cc?: string[] | undefined; dueAt?: string | undefined }>(
  true,
);
equal<PayloadOutput<typeof sendInvoice>["dueAt"], Date | undefined>(true);
equal<PayloadInput<typeof importFile>["at"], string>(true);
equal<PayloadOutput<typeof importFile>["at"], Date>(true);
equal<PayloadInput<typeof importFile>["rows"], number | undefined>(true);
equal<PayloadOutput<typeof importFile>["rows"], number>(true);
equal<PayloadInput<typeof greet>, { id: number; name?: string }>(true);
equal<(typeof sendInvoice)["name"], "send-invoice">(true);

// What fits.
await enqueue(db, sendInvoice, { orderId: 1 });
await enqueue(db, sendInvoice, { orderId: 1, cc: ["a@example.com"], dueAt: "2026-01-01T00:00:00Z" });
await enqueue(db, importFile, {
  at: "2026-01-01T00:00:00Z",
  kind: "csv",
  columns: { price: 1 },
  range: ["A", 1],
  source: { from: "web", port: 80 },
});
await enqueue(db, greet, { id: 1 });
const enqueued = await enqueueMany(db, greet, [{ id: 1 }, { id: 2, name: "Ada" }]);
equal<typeof enqueued, Enqueued<"greet">[]>(true);
equal<(typeof enqueued)[number]["id"], number>(true);

// What does not.
// @ts-expect-error a string for a number
await enqueue(db, sendInvoice, { orderId: "1" });
// @ts-expect-error a property is missing
await enqueue(db, sendInvoice, {});
// @ts-expect-error a property too many
await enqueue(db, sendInvoice, { orderId: 1, orderID: 1 });
// @ts-expect-error the validator's output, which is not what is stored
await enqueue(db, sendInvoice, { orderId: 1, dueAt: new Date() });
// @ts-expect-error undefined inside an array
await enqueue(db, sendInvoice, { orderId: 1, cc: [undefined] });
// @ts-expect-error no member of the union
await enqueue(db, importFile, { at: "", kind: "csv", columns: {}, range: ["A", 1], source: { from: "web" } });
// @ts-expect-error not of the enumeration
await enqueue(db, importFile, { at: "", kind: "pdf", columns: {}, range: ["A", 1], source: { from: "disk" } });
// @ts-expect-error no payload at all
await enqueue(db, greet);
// @ts-expect-error one of many is wrong
await enqueueMany(db, greet, [{ id: 1 }, { id: "2" }]);
// @ts-expect-error one payload where a list is asked
await enqueueMany(db, greet, { id: 1 });
// @ts-expect-error a list where one payload is asked
await enqueue(db, greet, [{ id: 1 }]);
// @ts-expect-error not a definition
await enqueue(db, { name: "greet" }, { id: 1 });
// @ts-expect-error the name of a definition
await enqueue(db, "greet", { id: 1 });

// A payload need not be an object.
const scalar = defineJob({ name: "scalar", payload: v.number() });
const list = defineJob({ name: "list", payload: z.array(z.object({ id: z.number() })) });
const either = defineJob({ name: "either", payload: v.union([v.string(), v.object({ path: v.string() })]) });
const nothing = defineJob({ name: "nothing", payload: v.null() });
const anything = defineJob({ name: "anything", payload: v.any() });
const unknown = defineJob({ name: "unknown", payload: z.object({ raw: z.unknown() }) });
await enqueue(db, countRows, "orders.csv");
await enqueue(db, scalar, 7);
await enqueue(db, list, [{ id: 1 }]);
await enqueueMany(db, list, [[{ id: 1 }], []]);
await enqueue(db, either, "orders.csv");
await enqueue(db, either, { path: "orders.csv" });
await enqueue(db, nothing, null);
await enqueue(db, anything, { whatever: [1, "two"] });
await enqueue(db, unknown, { raw: "whatever" });
// @ts-expect-error a string for a number
await enqueue(db, scalar, "7");
// @ts-expect-error an element that does not fit
await enqueue(db, list, [{ id: "1" }]);
// @ts-expect-error neither of both
await enqueue(db, either, 7);
// @ts-expect-error undefined is not null
await enqueue(db, nothing, undefined);
