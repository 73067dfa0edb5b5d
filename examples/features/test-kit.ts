// The test kit: an application tests its jobs in a transaction that is rolled back, without a worker and without waiting.
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { defineJob, enqueue, defineHandler, type JobContext, migrate, type TransactionOf } from "soniq-drizzle";
import { soniqJobs } from "soniq-drizzle/schema";
import { runJobs, expectEnqueued, withRollback, travel } from "soniq-drizzle/testing";
import * as v from "valibot";

const orders = pgTable("orders", { id: integer("id").primaryKey(), state: text("state").notNull() });
const db = drizzle({ client: postgres(process.env.DATABASE_URL ?? "", { max: 1, onnotice: () => {} }) });
type Tx = TransactionOf<typeof db>;

const bookOrder = defineJob({ name: "book-order", payload: v.strictObject({ orderId: v.number() }) });
const remind = defineJob({ name: "remind", payload: v.strictObject({ orderId: v.number(), by: v.string() }) });

const jobs = { bookOrder, remind };
const handlers = {
  bookOrder: defineHandler(bookOrder, ({ orderId }, job: JobContext<Tx>) =>
    job.transaction(async (tx) => {
      await tx.insert(orders).values({ id: orderId, state: "booked" });
      await enqueue(tx, remind, { orderId, by: "mail" }, { delay: "7d" });
    }),
  ),
  remind: defineHandler(remind, async (_, job) => {
    if (job.attempt === 1) throw new Error("the mail server is away");
  }),
};

await migrate(db);
await db.execute("create table if not exists orders (id int primary key, state text not null)");

await withRollback(db, async (tx) => {
  await enqueue(tx, bookOrder, { orderId: 1 });
  await run(tx, "at once");
  console.log("orders within the test:", await tx.select().from(orders));

  const reminder = await expectEnqueued(tx, remind, { orderId: 1 });
  console.log(`enqueued: ${reminder.name} by ${reminder.payload.by}, ${reminder.state}`);

  await travel(tx, "7d");
  await run(tx, "after a week");
  await travel(tx, "2s");
  await run(tx, "after the backoff");

  const missing = await expectEnqueued(tx, remind, { orderId: 2 }).catch((error: Error) => error.message);
  console.log(String(missing).replaceAll(/#\d+/g, "#…"));
});

console.log("orders afterwards:", await db.select().from(orders));
console.log("jobs afterwards:", await db.select().from(soniqJobs));
await db.$client.end();

async function run(tx: Tx, when: string): Promise<void> {
  const ended = await runJobs(tx, { jobs, handlers });
  console.log(`${when}: ${ended.map(({ job, type }) => `${job.name} ${type}`).join(", ")}`);
}
