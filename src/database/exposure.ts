import { getTableName, sql } from "drizzle-orm";
import * as schema from "../../schema/index.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** Roles that Supabase and PostgREST serve the public schema to, without a login or to any user. */
const webRoles = ["anon", "web_anon", "authenticated"];

/**
 * Looks whether everybody who can log in may create functions where this package's statements would find them. A database that
 * was created before PostgreSQL 15 grants that on the schema `public`.
 *
 * @returns a warning with the SQL that revokes it, or undefined
 */
export async function findOpenSchemas(db: Queryable): Promise<string | undefined> {
  const open = await builder(db)
    .select({ name: sql<string>`quote_ident(nspname)` })
    .from(sql`pg_namespace`)
    .where(
      sql`nspname = any (current_schemas(false)) and exists (
        select from aclexplode(nspacl) where grantee = 0 and privilege_type = 'CREATE')`,
    );
  if (open.length === 0) return undefined;
  const schemas = open.map(({ name }) => name).join(", ");
  return `everybody who can log in may create functions in the schema ${schemas}, and have them called with the worker's rights (CVE-2018-1058). Revoke that: revoke create on schema ${schemas} from public;`;
}

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
