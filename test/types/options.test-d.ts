// Options and settings: typos, wrong units and wrong types do not compile.
import * as v from "valibot";
import { bigint, pgTable, text } from "drizzle-orm/pg-core";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { soniqJobs } from "../../schema/index.ts";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { equal } from "./equal.ts";
import { greet, sendInvoice } from "./jobs.ts";

declare const db: PostgresJsDatabase;

// All options of one job.
await enqueue(db, greet, { id: 1 }, { runAt: new Date(), priority: 0, queue: "mail", maxAttempts: 3 });
await enqueue(db, greet, { id: 1 }, { delay: "5m", uniqueKey: "1", tags: ["a"], meta: { trace: { id: "x" } } });
await enqueue(db, greet, { id: 1 }, { delay: 1_500, uniqueKey: null });

// @ts-expect-error a typo
await enqueue(db, greet, { id: 1 }, { priorty: 1 });
// @ts-expect-error a text for a time
await enqueue(db, greet, { id: 1 }, { runAt: "2026-01-01T00:00:00Z" });
// @ts-expect-error milliseconds for a time
await enqueue(db, greet, { id: 1 }, { runAt: Date.now() });
// @ts-expect-error a unit that does not exist
await enqueue(db, greet, { id: 1 }, { delay: "5 minutes" });
// @ts-expect-error no unit
await enqueue(db, greet, { id: 1 }, { delay: "5" });
// @ts-expect-error a text for a number
await enqueue(db, greet, { id: 1 }, { priority: "high" });
// @ts-expect-error a number for a key
await enqueue(db, greet, { id: 1 }, { uniqueKey: 1 });
// @ts-expect-error one tag where a list is asked
await enqueue(db, greet, { id: 1 }, { tags: "a" });
// @ts-expect-error a text for an object
await enqueue(db, greet, { id: 1 }, { meta: "trace" });

// Options of many: the same for all, or a function of the payload, which has its type.
await enqueueMany(db, sendInvoice, [{ orderId: 1 }], { priority: 9 });
await enqueueMany(db, sendInvoice, [{ orderId: 1 }], (payload, index) => {
  equal<typeof payload.orderId, number>(true);
  equal<typeof index, number>(true);
  return { uniqueKey: String(payload.orderId), delay: index * 1_000 };
});
// @ts-expect-error a typo
await enqueueMany(db, greet, [{ id: 1 }], { priorty: 1 });
// @ts-expect-error a typo in what the function returns
await enqueueMany(db, greet, [{ id: 1 }], () => ({ priorty: 1 }));
// @ts-expect-error a wrong type in what the function returns
await enqueueMany(db, greet, [{ id: 1 }], ({ id }) => ({ uniqueKey: id }));
// @ts-expect-error a property that payloads do not have
await enqueueMany(db, greet, [{ id: 1 }], ({ orderId }) => ({ uniqueKey: String(orderId) }));
// @ts-expect-error a function that does not answer at once
await enqueueMany(db, greet, [{ id: 1 }], async () => ({ priority: 1 }));

// Settings of a definition.
defineJob({ name: "full", payload: v.string(), queue: "q", priority: 1, maxAttempts: 1, timeout: "1h" });
defineJob({ name: "backoff", payload: v.string(), backoff: (attempt, error) => (error ? attempt * 100 : "5s") });
// @ts-expect-error a unit that does not exist
defineJob({ name: "bad", payload: v.string(), timeout: "2 minutes" });
// @ts-expect-error a typo
defineJob({ name: "bad", payload: v.string(), maxAttempt: 1 });
// @ts-expect-error no validator
defineJob({ name: "bad" });
// @ts-expect-error a type is no validator
defineJob({ name: "bad", payload: { id: "number" } });

// An id is a number: it goes into a foreign key as it is.
const orders = pgTable("orders", {
  id: text("id").primaryKey(),
  invoiceJobId: bigint("invoice_job_id", { mode: "number" }).references(() => soniqJobs.id, { onDelete: "set null" }),
});
const { id: invoiceJobId } = await enqueue(db, sendInvoice, { orderId: 1 });
await db.insert(orders).values({ id: "1", invoiceJobId });
const jobs = await db.select({ id: soniqJobs.id, state: soniqJobs.state }).from(soniqJobs);
equal<(typeof jobs)[number], { id: number; state: "queued" | "active" | "completed" | "cancelled" | "dead" }>(true);
