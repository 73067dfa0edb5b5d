// A step of a deployment: it makes the tables.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { migrate } from "soniq-drizzle";

async function main(): Promise<void> {
  const db = drizzle({ client: postgres(process.env["DATABASE_URL"] ?? "", { onnotice: () => {} }) });
  console.log((await migrate(db))[0]);
  await db.$client.end();
}

void main();
