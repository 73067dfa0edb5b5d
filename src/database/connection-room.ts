import { sql } from "drizzle-orm";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";

/**
 * Looks whether PostgreSQL has room for some more connections, the one that asks not counted.
 *
 * @returns a warning that says what to do, or undefined
 */
export async function findLackOfRoom(db: Queryable, wanted: number): Promise<string | undefined> {
  const [found] = await builder(db)
    .select({
      most: sql<number>`current_setting('max_connections')::int`,
      reserved: sql<number>`current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0)`,
      used: sql<number>`(select sum(numbackends)::int - 1 from pg_stat_database)`,
    })
    .from(sql`(values (1)) as one`);
  const { most, reserved, used } = found as { most: number; reserved: number; used: number };
  const room = Math.max(0, most - reserved - used);
  if (wanted <= room) return undefined;
  return `this worker opens up to ${wanted} connections, and PostgreSQL has room for ${room} now (max_connections ${most}, of which ${reserved} are reserved and ${used} in use): raise max_connections, run fewer workers, or lower maxConnections in the configuration`;
}
