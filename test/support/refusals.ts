import type { Sql } from "postgres";

/** Where no row is refused. */
export function noRefusal(_id: number, error: unknown): never {
  throw error;
}

/**
 * Has PostgreSQL refuse each change of the jobs whose payload is `"refused"`, as an application's trigger or constraint would.
 *
 * @param code SQLSTATE
 * @returns has it accept them again
 */
export async function refuseSome(sql: Sql, code = "P0001"): Promise<() => Promise<void>> {
  await sql.unsafe(`
    create or replace function refuse() returns trigger language plpgsql as $$
    begin raise exception 'refused by a trigger' using errcode = '${code}'; end $$;
    create trigger refuse before update on soniq_jobs for each row when (old.payload = '"refused"') execute function refuse()`);
  return async () => void (await sql`drop trigger refuse on soniq_jobs`);
}
