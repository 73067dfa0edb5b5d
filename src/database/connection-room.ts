import { sql } from "drizzle-orm";
import { oneRow } from "../core/fragments.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/**
 * Looks whether PostgreSQL has room for some more connections, the one that asks not counted.
 *
 * @returns a warning that says what to do, or undefined
 */
export async function findLackOfRoom(db: Queryable, wanted: number): Promise<string | undefined> {
  return warningOf(wanted, await findLimits(db), ({ max, used }) => max - used);
}

/**
 * Looks whether a limit is too low for so many connections, however few of them are in use at the moment.
 *
 * @returns a warning that says what to do, or undefined
 */
export async function findLowLimit(db: Queryable, wanted: number): Promise<string | undefined> {
  return warningOf(wanted, await findLimits(db), ({ max }) => max);
}

/** A bound on the number of connections. */
interface Limit {
  /** What it is, and how much of it is in use. */
  readonly details: string;
  /** What to do about it. */
  readonly raise: string;
  readonly max: number;
  readonly used: number;
}

/** Those of the server, of the role and of the database. */
async function findLimits(db: Queryable): Promise<Limit[]> {
  const [found] = await builder(db)
    .select({
      max: sql<number>`current_setting('max_connections')::int`,
      reserved: sql<number>`current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0)`,
      used: sql<number>`(select sum(numbackends)::int - 1 from pg_stat_database)`,
      role: sql<string>`session_user::text`,
      // Superusers are not bound by either.
      isBound: sql<boolean>`coalesce((select not rolsuper from pg_roles where rolname = session_user), false)`,
      roleMax: sql<number>`coalesce((select rolconnlimit from pg_roles where rolname = session_user), -1)`,
      roleUsed: sql<number>`(select count(*)::int - 1 from pg_stat_activity where usename = session_user and backend_type = 'client backend')`,
      database: sql<string>`current_database()::text`,
      databaseMax: sql<number>`(select datconnlimit from pg_database where datname = current_database())`,
      databaseUsed: sql<number>`(select numbackends - 1 from pg_stat_database where datname = current_database())`,
    })
    .from(oneRow);
  const { max, reserved, used, role, isBound, roleMax, roleUsed, database, databaseMax, databaseUsed } =
    found as NonNullable<typeof found>;
  const server = {
    details: `max_connections ${max}, of which ${reserved} are reserved and ${used} in use`,
    raise: "raise max_connections",
    max: max - reserved,
    used,
  };
  const own = [
    { of: `the role ${JSON.stringify(role)}`, alter: "alter role", limit: roleMax, used: roleUsed },
    {
      of: `the database ${JSON.stringify(database)}`,
      alter: "alter database",
      limit: databaseMax,
      used: databaseUsed,
    },
  ].map(({ of, alter, limit, used: inUse }) => ({
    details: `connection limit ${limit} of ${of}, of which ${inUse} are in use`,
    raise: `raise it with ${alter} … connection limit …`,
    max: limit,
    used: inUse,
  }));
  return [server, ...(isBound ? own.filter(({ max: limit }) => limit >= 0) : [])];
}

function warningOf(wanted: number, limits: readonly Limit[], roomOf: (limit: Limit) => number): string | undefined {
  const [least] = limits.toSorted((a, b) => roomOf(a) - roomOf(b));
  if (!least || wanted <= roomOf(least)) return undefined;
  const room = Math.max(0, roomOf(least));
  return `this worker opens up to ${wanted} connections, and PostgreSQL has room for ${room} now (${least.details}): ${least.raise}, run fewer workers, or lower maxConnections in the configuration`;
}
