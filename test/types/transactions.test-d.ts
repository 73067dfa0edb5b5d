// `job.transaction`: the transaction is the application's own, whichever driver and schema it has.
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { drizzle as overPg } from "drizzle-orm/node-postgres";
import { drizzle as overPglite } from "drizzle-orm/pglite";
import { drizzle } from "drizzle-orm/postgres-js";
import { Pool } from "pg";
import type { Sql } from "postgres";
import * as v from "valibot";
import {
  defineConfig,
  defineJob,
  enqueue,
  defineHandler,
  type JobContext,
  postgresJs,
  type Queryable,
  type TransactionOf,
} from "../../src/index.ts";
import { nodePostgres } from "../../src/database/node-postgres.ts";
import { pglite } from "../../src/database/pglite.ts";
import { equal } from "./equal.ts";
import { greet, sendInvoice } from "./jobs.ts";

declare const client: Sql;
const orders = pgTable("orders", { id: integer("id").primaryKey(), status: text("status").notNull() });
const db = drizzle({ client, schema: { orders } });
const pgDb = overPg({ client: new Pool(), schema: { orders } });
const pgliteDb = overPglite({ schema: { orders } });
type Transaction = TransactionOf<typeof db>;
type PgTransaction = TransactionOf<typeof pgDb>;
type PgliteTransaction = TransactionOf<typeof pgliteDb>;

const connection = process.env["DATABASE_URL"];
const jobs = { sendInvoice };

// The configuration tells the handlers that are written there.
defineConfig({
  connection,
  database: postgresJs((ours) => drizzle({ client: ours, schema: { orders } })),
  jobs,
  handlers: {
    sendInvoice: ({ orderId }, job) =>
      job.transaction(async (tx) => {
        equal<typeof tx, Transaction>(true);
        const order = await tx.query.orders.findFirst();
        equal<typeof order, { id: number; status: string } | undefined>(true);
        await tx.insert(orders).values({ id: orderId, status: "invoiced" });
        await enqueue(tx, greet, { id: 1 });
        return { messageId: "1" };
      }),
  },
});
defineConfig({
  connection,
  database: nodePostgres((pool) => overPg({ client: pool, schema: { orders } })),
  jobs,
  handlers: {
    sendInvoice: (_, job) =>
      job.transaction(
        async (tx) => {
          equal<typeof tx, PgTransaction>(true);
          return { messageId: "1" };
        },
        { isolationLevel: "serializable" },
      ),
  },
});
// PGlite's come with the connection.
defineConfig({
  connection: pglite(pgliteDb),
  jobs,
  handlers: {
    sendInvoice: ({ orderId }, job) =>
      job.transaction(async (tx) => {
        equal<typeof tx, PgliteTransaction>(true);
        await tx.insert(orders).values({ id: orderId, status: "invoiced" });
        await enqueue(tx, greet, { id: 1 });
        return { messageId: "1" };
      }),
  },
});
// @ts-expect-error not over PGlite
pglite(db);
// @ts-expect-error no Drizzle
pglite(pgliteDb.$client);

// Without it, there is what every Drizzle transaction has.
defineConfig({
  connection,
  jobs,
  handlers: {
    sendInvoice: (_, job) =>
      job.transaction(async (tx) => {
        equal<typeof tx, Queryable>(true);
        await enqueue(tx, greet, { id: 1 });
        return { messageId: "1" };
      }),
  },
});

// A handler in a file of its own says whose transactions it takes, and fits no other configuration.
const send = defineHandler(sendInvoice, async ({ orderId }, job: JobContext<Transaction>) =>
  job.transaction(async (tx) => {
    await tx.insert(orders).values({ id: orderId, status: "invoiced" });
    return { messageId: "1" };
  }),
);
defineConfig({
  connection,
  database: postgresJs((ours) => drizzle({ client: ours, schema: { orders } })),
  jobs,
  handlers: { sendInvoice: send },
});
const otherDriver = { connection, database: nodePostgres((pool) => overPg(pool)), jobs };
// @ts-expect-error another driver's transactions
defineConfig({ ...otherDriver, handlers: { sendInvoice: send } });
// @ts-expect-error PGlite's transactions
defineConfig({ connection: pglite(pgliteDb), jobs, handlers: { sendInvoice: send } });
const otherSchema = { connection, database: postgresJs((ours) => drizzle({ client: ours })), jobs };
// @ts-expect-error another schema's transactions
defineConfig({ ...otherSchema, handlers: { sendInvoice: send } });
// @ts-expect-error no application's transactions
defineConfig({ connection, jobs, handlers: { sendInvoice: send } });

// So does a definition's own `run`.
const own = defineJob({
  name: "own",
  payload: v.number(),
  run: (id, job: JobContext<Transaction>) =>
    job.transaction(async (tx) => {
      await tx.insert(orders).values({ id, status: "new" });
    }),
});
defineConfig({ connection, jobs: { own }, handlers: {} });

defineConfig({
  connection,
  database: postgresJs((ours) => drizzle({ client: ours })),
  jobs,
  // @ts-expect-error a wrong result
  handlers: { sendInvoice: (_, job) => job.transaction(async () => ({ messageId: 1 })) },
});
defineHandler(sendInvoice, (_, job) =>
  // @ts-expect-error an isolation level that PostgreSQL does not have
  job.transaction(async () => ({ messageId: "1" }), { isolationLevel: "snapshot" }),
);
// @ts-expect-error no database
postgresJs(() => 7);
