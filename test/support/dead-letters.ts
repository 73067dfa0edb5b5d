import type { Sql } from "postgres";

interface Dead {
  readonly name?: string;
  readonly queue?: string;
  readonly payload?: unknown;
  readonly reason?: string;
  /** The name of its last error. */
  readonly error?: string;
  readonly tags?: readonly string[];
  readonly uniqueKey?: string;
  readonly minutesAgo?: number;
}

/** Jobs that died, as workers leave them: in this order, if nothing else is said. @returns their ids */
export async function died(sql: Sql, jobs: readonly Dead[]): Promise<number[]> {
  const rows = await sql<{ id: number }[]>`
    insert into soniq_jobs (name, queue, payload, state, reason, errors, tags, unique_key, unique_held, claims, attempt, crashes, finished_at)
    select coalesce(name, 'work'), coalesce(queue, 'default'), coalesce(payload, 'null'), 'dead', coalesce(reason, 'out of attempts: no'),
      jsonb_build_array(jsonb_build_object('name', coalesce(error, 'Error'), 'message', 'no', 'attempt', 10)),
      coalesce(tags, '[]'), "uniqueKey", false, 10, 10, 3,
      now() - coalesce("minutesAgo", 0) * interval '1 minute' + nth * interval '1 microsecond'
    from jsonb_array_elements(${sql.json(jobs as never)}) with ordinality as each (job, nth),
      jsonb_to_record(job) as row (name text, queue text, payload jsonb, reason text, error text, tags jsonb, "uniqueKey" text, "minutesAgo" float8)
    order by nth
    returning id::int`;
  return rows.map(({ id }) => id);
}
