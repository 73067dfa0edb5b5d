// An application that enqueues, and does nothing else with this package.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { enqueue } from "soniq-drizzle";
import { sendInvoice } from "./jobs.js";

async function main(): Promise<void> {
  const db = drizzle({ client: postgres(process.env["DATABASE_URL"] ?? "") });
  const { name } = await enqueue(db, sendInvoice, { orderId: 1 });
  console.log(`${name} is enqueued`);
  await db.$client.end();
}

void main();
