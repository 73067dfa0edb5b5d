import { sql } from "drizzle-orm";
import { oneRow } from "../core/fragments.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/**
 * Checks whether PostgreSQL has enough free connections now. The connection of this check counts as free.
 *
 * @returns a warning that says what to do, or undefined
 */
export async function findConnectionShortage(db: Queryable, neededConnections: number): Promise<string | undefined> {
  return formatWarning(neededConnections, await findLimits(db), ({ max, used }) => max - used);
}

/**
 * Checks whether a connection limit is too low, regardless of how many connections are in use.
 *
 * @returns a warning that says what to do, or undefined
 */
export async function findLowLimit(db: Queryable, neededConnections: number): Promise<string | undefined> {
  return formatWarning(neededConnections, await findLimits(db), ({ max }) => max);
}

/** A limit on the number of connections. */
interface Limit {
  /** The limit's name and value, and how many connections are in use. */
  readonly details: string;
  /** How to raise the limit. */
  readonly remedy: string;
  readonly max: number;
  readonly used: number;
}

/** Reads the connection limits of the server, the role and the database. */
async function findLimits(db: Queryable): Promise<Limit[]> {
  const [row] = await builder(db)
    .select({
      max: sql<number>`current_setting('max_connections')::int`,
      reserved: sql<number>`current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0)`,
      used: sql<number>`(select sum(numbackends)::int - 1 from pg_stat_database)`,
      role: sql<string>`session_user::text`,
      // Superusers are exempt from the limits of roles and databases.
      isBound: sql<boolean>`coalesce((select not rolsuper from pg_roles where rolname = session_user), false)`,
      roleMax: sql<number>`coalesce((select rolconnlimit from pg_roles where rolname = session_user), -1)`,
      roleUsed: sql<number>`(select count(*)::int - 1 from pg_stat_activity where usename = session_user and backend_type = 'client backend')`,
      database: sql<string>`current_database()::text`,
      databaseMax: sql<number>`(select datconnlimit from pg_database where datname = current_database())`,
      databaseUsed: sql<number>`(select numbackends - 1 from pg_stat_database where datname = current_database())`,
    })
    .from(oneRow);
  const { max, reserved, used, role, isBound, roleMax, roleUsed, database, databaseMax, databaseUsed } =
    row as NonNullable<typeof row>;
  const server = {
    details: `max_connections ${max}, of which ${reserved} are reserved and ${used} in use`,
    remedy: "raise max_connections",
    max: max - reserved,
    used,
  };
  const otherLimits = [
    { of: `the role ${JSON.stringify(role)}`, alter: "alter role", limit: roleMax, used: roleUsed },
    {
      of: `the database ${JSON.stringify(database)}`,
      alter: "alter database",
      limit: databaseMax,
      used: databaseUsed,
    },
  ].map(({ of, alter, limit, used: inUse }) => ({
    details: `connection limit ${limit} of ${of}, of which ${inUse} are in use`,
    remedy: `raise it with ${alter} … connection limit …`,
    max: limit,
    used: inUse,
  }));
  return [server, ...(isBound ? otherLimits.filter(({ max: limit }) => limit >= 0) : [])];
}

function formatWarning(
  neededConnections: number,
  limits: readonly Limit[],
  getRoom: (limit: Limit) => number,
): string | undefined {
  const [tightest] = limits.toSorted((a, b) => getRoom(a) - getRoom(b));
  if (!tightest || neededConnections <= getRoom(tightest)) return undefined;
  const room = Math.max(0, getRoom(tightest));
  return `this worker opens up to ${neededConnections} connections, and PostgreSQL has room for ${room} now (${tightest.details}): ${tightest.remedy}, run fewer workers, or lower maxConnections in the configuration`;
}
