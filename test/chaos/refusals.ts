// What PostgreSQL refuses for a while: every change of jobs by workers, or every change of one job.
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";

const role = "chaos_worker";
/** A restart of PostgreSQL may be in the way of undoing it. */
const retryMs = 100;

/** For workers: a superuser may always do everything. */
const install = `
  do $$ begin
    create role ${role} login password '${role}';
  exception when duplicate_object then null;
  end $$;
  grant select, insert, update, delete on all tables in schema public to ${role};
  grant usage, select on all sequences in schema public to ${role};

  create table chaos_refused (job bigint primary key);
  create function chaos_refuse() returns trigger language plpgsql security definer as $$ begin
    if exists (select from chaos_refused where job = old.id) then
      raise exception 'job % is refused', old.id;
    end if;
    return new;
  end $$;
  create trigger chaos_refuse before update on soniq_jobs for each row execute function chaos_refuse();`;

/** @returns the connection string of a role that workers have: what it may do can be revoked */
export async function installRefusals(pool: Pool, url: string): Promise<string> {
  await pool.query(install);
  return Object.assign(new URL(url), { username: role, password: role }).href;
}

export function revokeUpdates(pool: Pool, ms: number): Promise<boolean> {
  return forAWhile(pool, ms, `revoke update on soniq_jobs from ${role}`, `grant update on soniq_jobs to ${role}`);
}

/** Of one of the jobs that run. @returns whether there was any */
export async function refuseRow(pool: Pool, ms: number, pick: number): Promise<boolean> {
  const { rows } = await pool
    .query<{ id: string }>("select id from soniq_jobs where state = 'active' order by id")
    .catch(() => ({ rows: [] }));
  const id = rows[pick % rows.length]?.id;
  if (id === undefined) return false;
  const refuse = `insert into chaos_refused values (${id}) on conflict do nothing`;
  return forAWhile(pool, ms, refuse, `delete from chaos_refused where job = ${id}`);
}

/** @returns whether PostgreSQL was there to begin it */
async function forAWhile(pool: Pool, ms: number, begin: string, end: string): Promise<boolean> {
  const carriedOut = (text: string) =>
    pool.query(text).then(
      () => true,
      () => false,
    );
  const begun = await carriedOut(begin);
  if (begun) await sleep(ms);
  // Also where it is not known whether it has begun.
  while (!(await carriedOut(end))) await sleep(retryMs);
  return begun;
}
