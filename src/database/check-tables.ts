import { getTableColumns, getTableName, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import * as schema from "../../schema/index.js";
import { builder } from "../core/builder.js";
import { MigrationError } from "../core/errors.js";
import { howToMigrate } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";

/**
 * Compares the database with the schema of this version.
 *
 * @throws MigrationError naming the first table or column that is missing, and what to do
 */
export async function checkTables(db: Queryable): Promise<void> {
  for (const table of Object.values(schema) as PgTable[]) {
    const name = getTableName(table);
    const rows = await builder(db)
      .select({ column: sql<string>`attname::text` })
      .from(sql`pg_attribute`)
      .where(sql`attrelid = to_regclass(${name}) and attnum > 0 and not attisdropped`);
    if (rows.length === 0) throw new MigrationError(`the table ${name} is missing: ${howToMigrate}`);
    const there = new Set(rows.map(({ column }) => column));
    const missing = Object.values(getTableColumns(table)).find(({ name: column }) => !there.has(column));
    if (missing)
      throw new MigrationError(
        `the column ${name}.${missing.name} is missing, the tables are older than this version: ${howToMigrate}`,
      );
  }
}
