import { getTableColumns, getTableName, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import * as schema from "../../schema/index.js";
import { builder } from "../core/builder.js";
import { ConfigError, MigrationError } from "../core/errors.js";
import { migrationHint } from "../core/missing-tables.js";
import type { Queryable } from "../core/queryable.js";

/**
 * Compares the database with the schema of this version.
 *
 * @throws MigrationError if a table or column is missing; the message names the first one and the command that migrates
 * @throws ConfigError if row level security may hide rows from this role; it names the tables
 */
export async function checkTables(db: Queryable): Promise<void> {
  const tables = Object.values(schema) as PgTable[];
  for (const table of tables) {
    const name = getTableName(table);
    const rows = await builder(db)
      .select({ column: sql<string>`attname::text` })
      .from(sql`pg_attribute`)
      .where(sql`attrelid = to_regclass(${name}) and attnum > 0 and not attisdropped`);
    if (rows.length === 0) throw new MigrationError(`the table ${name} is missing: ${migrationHint}`);
    const columns = new Set(rows.map(({ column }) => column));
    const missing = Object.values(getTableColumns(table)).find(({ name: column }) => !columns.has(column));
    if (missing)
      throw new MigrationError(
        `the column ${name}.${missing.name} is missing, the tables are older than this version: ${migrationHint}`,
      );
  }
  await checkRowSecurity(db, tables.map(getTableName));
}

/** Row level security hides rows without an error: a worker would find no jobs, and would not see that a queue is paused. */
async function checkRowSecurity(db: Queryable, tables: readonly string[]): Promise<void> {
  const appliesToRole = sql`exists (select 1 from pg_catalog.unnest(polroles) as role where role = 0 or pg_has_role(role, 'member'))`;
  const policies = sql`select 1 from pg_policy where polrelid = pg_class.oid and ${appliesToRole}`;
  const allowsAll = sql`pg_get_expr(polqual, polrelid) = 'true' and coalesce(pg_get_expr(polwithcheck, polrelid), 'true') = 'true'`;
  const isOpen = sql`exists (${policies} and polpermissive and polcmd = '*' and ${allowsAll}) and not exists (${policies} and not polpermissive)`;
  const restricted = await builder(db)
    .select({ table: sql<string>`relname::text`, role: sql<string>`current_user::text` })
    .from(sql`pg_class`)
    .where(
      sql`oid = any (array(select to_regclass(name) from jsonb_array_elements_text(${JSON.stringify(tables)}::text::jsonb) as name))
        and row_security_active(oid) and not (${isOpen})`,
    )
    .orderBy(sql`relname`);
  const role = restricted[0]?.role;
  if (role === undefined) return;
  const names = restricted.map(({ table }) => table).join(", ");
  throw new ConfigError(
    `row level security may hide rows of ${names} from the role ${JSON.stringify(role)}, and jobs would silently not run: alter role … bypassrls, connect as the owner of these tables, or on each of them: create policy soniq_worker on … for all to … using (true) with check (true);`,
  );
}
