// A paused queue accepts jobs, but no worker starts them. When it is resumed, they run in their old order.
// DATABASE_URL=postgres://… npx tsx examples/features/queues.ts
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { createWorker, defineConfig, defineJob, enqueue, enqueueMany, migrate } from "soniq-drizzle";
import { listQueues, pauseQueue, resumeQueue } from "soniq-drizzle/admin";
import * as v from "valibot";

const connection = process.env.DATABASE_URL;
const client = postgres(connection ?? "", { max: 1, onnotice: () => {} });
const db = drizzle({ client });
await migrate(db);

const run = (text: string) => console.log(`  ${text}`);
const invoice = defineJob({ name: "invoice", queue: "billing", payload: v.string(), run });
const mail = defineJob({ name: "mail", queue: "mails", payload: v.string(), run });
const queues = { billing: { concurrency: 1 }, mails: { concurrency: 1 } };
const config = defineConfig({ connection, jobs: { invoice, mail }, handlers: {}, queues });
// `drain` does not wait for the jobs of a paused queue.
const work = () => createWorker(config).drain({ wait: "0s" });

async function show() {
  for (const { name, pausedAt, due } of await listQueues(db))
    console.log(`  ${name}: ${pausedAt ? "paused" : "active"}, ${due} due`);
}

await pauseQueue(db, "billing");
await enqueueMany(db, invoice, ["the first invoice", "the second invoice", "the third invoice"]);
await enqueue(db, invoice, "the urgent invoice", { priority: 0 });
await enqueue(db, mail, "a mail");

console.log("while billing is paused:");
await work();
await show();

console.log("after billing is resumed:");
await resumeQueue(db, "billing");
await work();
await show();
await client.end();
