// `soniq-drizzle/testing`: typed by the definitions and by the test's own transaction.
import { integer, pgTable } from "drizzle-orm/pg-core";
import { drizzle as overPg } from "drizzle-orm/node-postgres";
import { drizzle as overPglite } from "drizzle-orm/pglite";
import { drizzle } from "drizzle-orm/postgres-js";
import { Pool } from "pg";
import type { Sql } from "postgres";
import { defineConfig, postgresJs, type SettledEvent, type TransactionOf } from "../../src/index.ts";
import { runJobs, expectEnqueued, withRollback, travel } from "../../src/testing.ts";
import { equal } from "./equal.ts";
import { greet, sendInvoice } from "./jobs.ts";

declare const client: Sql;
const orders = pgTable("orders", { id: integer("id").primaryKey() });
const schema = { orders };
const db = drizzle({ client, schema });

const config = defineConfig({
  connection: undefined,
  database: postgresJs((ours) => drizzle({ client: ours, schema })),
  jobs: { sendInvoice },
  handlers: { sendInvoice: async ({ orderId }) => ({ messageId: String(orderId) }) },
});

void withRollback(db, async (tx) => {
  equal<typeof tx, TransactionOf<typeof db>>(true);
  await tx.query.orders.findFirst();

  // The whole configuration, or handlers of the test's own, which have its transaction.
  const ended = await runJobs(tx, config);
  equal<typeof ended, SettledEvent[]>(true);
  await runJobs(tx, {
    jobs: { sendInvoice, greet },
    handlers: {
      sendInvoice: ({ orderId }, job) =>
        job.transaction(async (inner) => {
          equal<typeof inner, typeof tx>(true);
          await inner.insert(orders).values({ id: orderId });
          return { messageId: "1" };
        }),
      greet: () => {},
    },
  });
  // @ts-expect-error a handler is missing
  await runJobs(tx, { jobs: { sendInvoice, greet }, handlers: { greet: () => {} } });
  // @ts-expect-error a wrong result
  await runJobs(tx, { jobs: { sendInvoice }, handlers: { sendInvoice: () => ({ messageId: 1 }) } });

  const job = await expectEnqueued(tx, sendInvoice, { orderId: 1 });
  equal<typeof job.name, "send-invoice">(true);
  equal<typeof job.payload.orderId, number>(true);
  await expectEnqueued(tx, sendInvoice, ({ orderId }) => orderId > 1);
  // @ts-expect-error a property that the payload does not have
  await expectEnqueued(tx, sendInvoice, { order: 1 });
  // @ts-expect-error a value of another type
  await expectEnqueued(tx, sendInvoice, { orderId: "1" });
  // @ts-expect-error no text is an answer
  await expectEnqueued(tx, sendInvoice, ({ orderId }) => String(orderId));

  await travel(tx, "2h");
  // @ts-expect-error a unit that does not exist
  await travel(tx, "2 hours");
  return 7;
}).then((returned) => equal<typeof returned, number>(true));

// Any driver.
void withRollback(overPg({ client: new Pool(), schema }), async (tx) =>
  runJobs(tx, { jobs: { greet }, handlers: { greet: () => {} } }),
);
void withRollback(overPglite({ schema }), async (tx) => expectEnqueued(tx, greet));
