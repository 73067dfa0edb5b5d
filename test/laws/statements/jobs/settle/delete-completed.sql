select
  exists (
    select
      1
    from
      pg_constraint
    where
      contype = 'f'
      and confrelid = 'soniq_jobs'::regclass
  )
from
  (
    values
      (1)
  ) as one;

delete from "soniq_jobs" using (
  select
    *
  from
    jsonb_to_recordset($1::text::jsonb) as row (id bigint, token int)
  limit
    $2
) as s
where
  "soniq_jobs"."id" = s.id
  and "soniq_jobs"."claim_token" = s.token
  and "soniq_jobs"."worker_id" = $3
  and not (
    "soniq_jobs"."unique_held"
    and coalesce("soniq_jobs"."unique_expires_at" > now(), false)
  )
returning
  "soniq_jobs"."id",
  "soniq_jobs"."claim_token";
