import { getTableName, sql } from "drizzle-orm";
import * as schema from "../../schema/index.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/** Roles through which Supabase and PostgREST expose the public schema, without a login or to every user. */
const webRoles = ["anon", "web_anon", "authenticated"];

/**
 * Checks whether every role may create functions in a schema that this package's statements search. Databases created before
 * PostgreSQL 15 grant this on the schema `public`.
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
  return `every role may create functions in the schema ${schemas}, and the worker would call them with its own privileges (CVE-2018-1058). Revoke the right: revoke create on schema ${schemas} from public;`;
}

/**
 * Checks whether the jobs are exposed to the web: Supabase and PostgREST serve every table of the public schema on which one of their
 * roles has privileges.
 *
 * @returns a warning with the SQL that revokes access, or undefined
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
  return `the roles ${roles} can read or write the jobs, and PostgREST and Supabase serve these roles over HTTP. Revoke their access: revoke all on ${tables.join(", ")} from ${roles};`;
}
