import type { Sql } from "postgres";

/** Rows as the product would leave them, written directly because that is faster. */

export async function insertFinished(sql: Sql, jobs: number): Promise<void> {
  await sql`
    insert into soniq_jobs (name, payload, state, claims, attempt, claimed_at, finished_at, result, run_at, created_at)
    select 'noop', jsonb_build_object('n', n), 'completed', 1, 1, t, t, '{"ok": true}', t, t
    from generate_series(1, ${jobs}::int) as n, lateral (select now() - interval '1 hour' + n * interval '1 microsecond' as t) as at`;
}

export async function insertQueued(sql: Sql, jobs: number, priority = 5, runAt = "now"): Promise<void> {
  await sql`
    insert into soniq_jobs (name, payload, priority, run_at)
    select 'noop', jsonb_build_object('n', n), ${priority}::int, ${runAt}::text::timestamptz + n * interval '1 microsecond' - interval '1 minute'
    from generate_series(1, ${jobs}::int) as n`;
}
