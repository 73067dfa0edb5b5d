// Places two orders on each driver, one in a transaction that commits and one in a transaction that rolls back.
import { eq } from "drizzle-orm";
import { drizzle as drizzleNodePostgres } from "drizzle-orm/node-postgres";
import { drizzle as drizzlePostgresJs } from "drizzle-orm/postgres-js";
import pg from "pg";
import postgres from "postgres";
import { enqueue, InvalidValueError } from "soniq-drizzle";
import { sendInvoice } from "./jobs.js";
import { jobs, orders, soniqJobs } from "./schema.js";

const url = process.env["DATABASE_URL"] ?? "";

async function onNodePostgres(): Promise<void> {
  const pool = new pg.Pool({ connectionString: url });
  const db = drizzleNodePostgres({ client: pool });
  const place = (fail: boolean) =>
    db.transaction(async (tx) => {
      const [order] = await tx.insert(orders).values({ driver: "node-postgres" }).returning();
      if (!order) throw new Error("the order was not inserted");
      const { id } = await enqueue(tx, sendInvoice, { orderId: order.id, driver: order.driver });
      await tx.update(orders).set({ invoiceJobId: id }).where(eq(orders.id, order.id));
      if (fail) throw new Error("the customer left");
    });
  await place(false);
  await place(true).catch(() => {});
  await db.insert(jobs).values({ title: "engineer" });
  await pool.end();
}

async function onPostgresJs(): Promise<void> {
  const client = postgres(url);
  const db = drizzlePostgresJs({ client });
  const place = (fail: boolean) =>
    db.transaction(async (tx) => {
      const [order] = await tx.insert(orders).values({ driver: "postgres.js" }).returning();
      if (!order) throw new Error("the order was not inserted");
      const { id } = await enqueue(tx, sendInvoice, { orderId: order.id, driver: order.driver });
      await tx.update(orders).set({ invoiceJobId: id }).where(eq(orders.id, order.id));
      if (fail) throw new Error("the customer left");
    });
  await place(false);
  await place(true).catch(() => {});

  // What this compiles to is what the tables' types are worth to an application.
  const waiting = await db
    .select({ driver: orders.driver, state: soniqJobs.state, attempt: soniqJobs.attempt, runAt: soniqJobs.runAt })
    .from(orders)
    .innerJoin(soniqJobs, eq(orders.invoiceJobId, soniqJobs.id));
  for (const { driver, state, attempt, runAt } of waiting) {
    const typed: { state: "queued" | "active" | "completed" | "cancelled" | "dead"; attempt: number; runAt: Date } = {
      state,
      attempt,
      runAt,
    };
    console.log(`${driver}: ${typed.state}, due ${typed.runAt <= new Date(Date.now() + 60_000) ? "now" : "later"}`);
  }

  // @ts-expect-error -- a payload of another shape does not compile, and is an error where nothing compiles it
  const refused = await enqueue(db, sendInvoice, { orderId: "1" }).catch((error: unknown) => error);
  console.log(refused instanceof InvalidValueError ? "refused" : "accepted");
  await client.end();
}

onNodePostgres()
  .then(onPostgresJs)
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
