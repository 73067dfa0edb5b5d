// Dead letters: what a mapping takes and returns, what a filter may say, and what becomes of a replay.
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { listDeadLetters, replay, replayDeadLetters, type ReplayRefusal } from "../../src/index.ts";
import { equal } from "./equal.ts";
import { sendInvoice } from "./jobs.ts";

declare const db: PostgresJsDatabase;

await replay(db, 1);
await replay(db, [1, 2]);
// @ts-expect-error a text for an id
await replay(db, "1");

// What was stored nobody knows; who annotates it says what it should be.
await replay(db, 1, {
  mapping: {
    job: sendInvoice,
    payload: (old, id) => {
      equal<typeof old, unknown>(true);
      equal<typeof id, number>(true);
      return { orderId: 1 };
    },
  },
});
await replay(db, 1, {
  mapping: { job: sendInvoice, payload: (old: { order: number }) => ({ orderId: old.order }) },
});
// @ts-expect-error not what the job takes
await replay(db, 1, { mapping: { job: sendInvoice, payload: () => ({ orderId: "1" }) } });
// @ts-expect-error not all of what the job takes
await replay(db, 1, { mapping: { job: sendInvoice, payload: () => ({}) } });

await replayDeadLetters(db, { name: "send-invoice", since: "24h", before: new Date(), tag: "import" });
await replayDeadLetters(
  db,
  {},
  {
    mapping: { job: sendInvoice, payload: (old: { order: number }) => ({ orderId: old.order }) },
    onProgress: ({ replayed, batch }) =>
      equal<[typeof replayed, typeof batch.replayed], [number, readonly number[]]>(true),
  },
);
// @ts-expect-error not what the job takes
await replayDeadLetters(db, {}, { mapping: { job: sendInvoice, payload: () => ({ orderId: "1" }) } });
// @ts-expect-error which must be said, if only `{}`
await replayDeadLetters(db);
// @ts-expect-error a typo
await replayDeadLetters(db, { nmae: "send-invoice" });
// @ts-expect-error a unit that does not exist
await replayDeadLetters(db, { since: "1 day" });

const { deadLetters, next } = await listDeadLetters(db);
equal<typeof next, string | undefined>(true);
equal<(typeof deadLetters)[number]["payload"], unknown>(true);

// Every reason can be told from the others, and has what belongs to it.
const said = (refusal: ReplayRefusal): string => {
  switch (refusal.because) {
    case "key held":
      return `#${refusal.heldBy}`;
    case "failed":
      return String(refusal.error);
    case "locked":
    case "not a dead letter":
      return refusal.because;
    default:
      return refusal satisfies never;
  }
};
said({ id: 1, because: "key held", heldBy: 2 });
