// Writes down every transition of jobs and sessions by triggers, inside PostgreSQL, where no worker can lie about it.
import type { Pool } from "pg";
import type { Effect, Job, JobState, SessionChange, Transition } from "./history.ts";

const epochMs = (time: string) => `(extract(epoch from ${time}) * 1000)::float8`;

const stateOf = (row: "old" | "new") => `jsonb_build_object('state', ${row}.state, 'claims', ${row}.claims,
  'workerId', ${row}.worker_id, 'attempt', ${row}.attempt, 'crashes', ${row}.crashes, 'runAt', ${epochMs(`${row}.run_at`)},
  'cancelRequested', ${row}.cancel_requested_at is not null)`;

const tables = `
  create table chaos_effects (job bigint not null, claims int, kind text not null, transaction text not null,
    at timestamptz not null default clock_timestamp());
  create index chaos_effects_job on chaos_effects (job);
  create table chaos_orders (n bigint primary key, job_id bigint references soniq_jobs on delete set null);
  create index chaos_orders_job_id on chaos_orders (job_id);

  create table chaos_transitions (seq bigint generated always as identity, job bigint, at float8, transaction text, before jsonb, after jsonb);
  create function chaos_note_job() returns trigger language plpgsql security definer as $$ begin
    insert into chaos_transitions (job, at, transaction, before, after) values (
      coalesce(new.id, old.id), ${epochMs("clock_timestamp()")}, pg_current_xact_id()::text,
      case when tg_op <> 'INSERT' then ${stateOf("old")} end, case when tg_op <> 'DELETE' then ${stateOf("new")} end);
    return null;
  end $$;
  create trigger chaos_note_job after insert or update or delete on soniq_jobs for each row execute function chaos_note_job();

  create table chaos_sessions (seq bigint generated always as identity, id uuid, pid int, at float8, ended_before boolean, ended_after boolean,
    opened boolean, extended boolean);
  create function chaos_note_session() returns trigger language plpgsql security definer as $$ begin
    insert into chaos_sessions (id, pid, at, ended_before, ended_after, opened, extended) values (
      new.id, new.pid, ${epochMs("clock_timestamp()")}, tg_op = 'UPDATE' and old.ended_at is not null, new.ended_at is not null,
      tg_op = 'INSERT', tg_op = 'UPDATE' and old.lease_expires_at <> new.lease_expires_at);
    return null;
  end $$;
  create trigger chaos_note_session after insert or update on soniq_workers for each row execute function chaos_note_session();`;

/** Makes the tables that the run writes, and the triggers that watch it. */
export async function installOracle(pool: Pool): Promise<void> {
  await pool.query(tables);
}

/** What the oracle saw. */
export interface Seen {
  readonly transitions: Transition[];
  readonly sessions: SessionChange[];
  readonly jobs: Job[];
  readonly effects: Effect[];
  readonly orders: number[];
}

export async function readOracle(pool: Pool): Promise<Seen> {
  const read = async <T extends object>(text: string) => (await pool.query<T>(text)).rows;
  const transitions = await read<
    { job: string; at: number; transaction: string } & { [K in "before" | "after"]: JobState }
  >("select job, at, transaction, before, after from chaos_transitions order by seq");
  const jobs = await read<Omit<Job, "id"> & { id: string }>(
    `select id, name, (payload ->> 'n')::int as n, state, attempt, cancel_requested_at is not null as "cancelRequested",
      case when name = 'failing' then (payload ->> 'times')::int else 0 end as failures from soniq_jobs order by id`,
  );
  const effects = await read<Omit<Effect, "job"> & { job: string }>(
    "select job, claims, kind, transaction from chaos_effects",
  );
  const orders = await read<{ n: string }>("select n from chaos_orders");
  return {
    transitions: transitions.map((row) => ({ ...row, job: Number(row.job) })),
    sessions: await read(
      `select id, pid, at, ended_before as "endedBefore", ended_after as "endedAfter", opened, extended from chaos_sessions order by seq`,
    ),
    jobs: jobs.map((row) => ({ ...row, id: Number(row.id) })),
    effects: effects.map((row) => ({ ...row, job: Number(row.job) })),
    orders: orders.map(({ n }) => Number(n)),
  };
}

/** How many jobs are not finished. */
export async function countUnfinished(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    "select count(*)::int as count from soniq_jobs where state in ('queued', 'active')",
  );
  return rows[0]?.count ?? 0;
}
