select
  "id",
  "host",
  "pid",
  "version",
  "queues"::text,
  (
    select
      coalesce(pg_catalog.jsonb_object_agg (queue, jobs), '{}')::text
    from
      (
        select
          queue,
          count(*)::int as jobs
        from
          (
            select
              queue
            from
              "soniq_jobs"
            where
              state = 'active'
              and worker_id = "soniq_workers".id
            limit
              $1
          ) as held
        group by
          queue
      ) as counts
  ),
  (
    extract(
      epoch
      from
        "started_at"
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        "beat_at"
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        greatest("lease_expires_at", "started_at") - now()
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        "ended_at"
    ) * 1000
  )::float8,
  case
    when "ended_at" is not null then 'ended'
    when "lease_expires_at" <= now() then 'silent'
    else 'live'
  end
from
  "soniq_workers"
order by
  "soniq_workers"."ended_at" is not null,
  "soniq_workers"."started_at" desc,
  "soniq_workers"."id"
limit
  $2;
