import { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { afterAll } from "vitest";
import { migrate } from "../../src/index.ts";
import { pglite } from "../../src/database/pglite.ts";
import { effects } from "./effects.ts";

/** A PGlite of this test file's own, with the job tables and one for effects, closed when the file is done. */
export async function testPglite() {
  const client = new PGlite();
  afterAll(() => client.close());
  const db = drizzle({ client, schema: { effects } });
  await migrate(db);
  await client.exec("create table effects (n int not null)");
  return { client, db, connection: pglite(db) };
}
