// Dead letters: what a mapping takes and returns, what a filter may say, and what becomes of a retry.
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { listDeadLetters, retryJobs, retryDeadLetters, type RetryRefusal } from "../../src/admin.ts";
import { equal } from "./equal.ts";
import { sendInvoice } from "./jobs.ts";

declare const db: PostgresJsDatabase;

await retryJobs(db, 1);
await retryJobs(db, [1, 2]);
// @ts-expect-error a text for an id
await retryJobs(db, "1");

// What was stored nobody knows; who annotates it says what it should be.
await retryJobs(db, 1, {
  mapping: {
    job: sendInvoice,
    payload: (old, id) => {
      equal<typeof old, unknown>(true);
      equal<typeof id, number>(true);
      return { orderId: 1 };
    },
  },
});
await retryJobs(db, 1, {
  mapping: { job: sendInvoice, payload: (old: { order: number }) => ({ orderId: old.order }) },
});
// @ts-expect-error not what the job takes
await retryJobs(db, 1, { mapping: { job: sendInvoice, payload: () => ({ orderId: "1" }) } });
// @ts-expect-error not all of what the job takes
await retryJobs(db, 1, { mapping: { job: sendInvoice, payload: () => ({}) } });

await retryDeadLetters(db, { name: "send-invoice", since: "24h", before: new Date(), tag: "import" });
await retryDeadLetters(
  db,
  {},
  {
    mapping: { job: sendInvoice, payload: (old: { order: number }) => ({ orderId: old.order }) },
    onProgress: ({ retried, batch }) =>
      equal<[typeof retried, typeof batch.retried], [number, readonly number[]]>(true),
  },
);
// @ts-expect-error not what the job takes
await retryDeadLetters(db, {}, { mapping: { job: sendInvoice, payload: () => ({ orderId: "1" }) } });
// @ts-expect-error which must be said, if only `{}`
await retryDeadLetters(db);
// @ts-expect-error a typo
await retryDeadLetters(db, { nmae: "send-invoice" });
// @ts-expect-error a unit that does not exist
await retryDeadLetters(db, { since: "1 day" });

const { deadLetters, next } = await listDeadLetters(db);
equal<typeof next, string | undefined>(true);
equal<(typeof deadLetters)[number]["payload"], unknown>(true);

// Every reason can be told from the others, and has what belongs to it.
const said = (refusal: RetryRefusal): string => {
  switch (refusal.reason) {
    case "key-held":
      return `#${refusal.heldBy}`;
    case "failed":
      return String(refusal.error);
    case "locked":
    case "not-a-dead-letter":
      return refusal.reason;
    default:
      return refusal satisfies never;
  }
};
said({ id: 1, reason: "key-held", heldBy: 2 });
