import { getTableName, sql } from "drizzle-orm";
import * as schema from "../../schema/index.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** Roles that Supabase and PostgREST serve the public schema to, without a login or to any user. */
const webRoles = ["anon", "web_anon", "authenticated"];

/**
 * Looks whether the jobs are open to the web: Supabase and PostgREST serve every table of the public schema that such a
 * role may use.
 *
 * @returns a warning with the SQL that closes them, or undefined
 */
export async function findExposure(db: Queryable): Promise<string | undefined> {
  const open = await builder(db)
    .select({ role: sql<string>`rolname::text` })
    .from(sql`pg_roles`)
    .where(
      sql`rolname in (${sql.join(
        webRoles.map((role) => sql`${role}`),
        sql`, `,
      )}) and exists (
        select 1 from pg_class where pg_class.oid = to_regclass('soniq_jobs') and not relrowsecurity
          and has_table_privilege(pg_roles.oid, pg_class.oid, 'select, insert, update, delete'))`,
    );
  if (open.length === 0) return undefined;
  const tables = Object.values(schema).map((table) => getTableName(table));
  const roles = open.map(({ role }) => role).join(", ");
  return `the jobs can be read or written by ${roles}, whom PostgREST and Supabase serve over HTTP. Close them: revoke all on ${tables.join(", ")} from ${roles};`;
}
