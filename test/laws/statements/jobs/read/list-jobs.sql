with recursive
  halves (low, high) as (
    select
      0::bigint,
      coalesce(
        (
          select
            id
          from
            "soniq_jobs"
          order by
            id desc
          limit
            1
        ),
        0
      ) + 1
    union all
    select
      case
        when later then low
        else middle
      end,
      case
        when later then middle
        else high
      end
    from
      halves
      cross join lateral (
        select
          (low + high) / 2 as middle
      ) as half
      cross join lateral (
        select
          coalesce(
            (
              select
                created_at >= to_timestamp($1::float8 / 1000)
              from
                "soniq_jobs"
              where
                id >= middle
              order by
                id
              limit
                1
            ),
            true
          ) as later
      ) as probe
    where
      high - low > 1
  )
select
  min(high)::float8 as id
from
  halves;

select
  "jobs",
  "lowest",
  (
    extract(
      epoch
      from
        "soniq_jobs"."created_at"
    ) * 1000
  )::float8
from
  (
    select
      count(*)::int as "jobs",
      coalesce(min("id"), 0) as "lowest"
    from
      (
        select
          "id"
        from
          "soniq_jobs"
        where
          (
            "soniq_jobs"."id" < $1
            and "soniq_jobs"."id" >= $2
          )
        order by
          "soniq_jobs"."id" desc
        limit
          $3
      ) "ids"
  ) "page"
  left join "soniq_jobs" on "soniq_jobs"."id" = "lowest";

select
  "id",
  "name",
  "queue",
  "priority",
  "max_attempts",
  "tags"::text,
  (
    extract(
      epoch
      from
        "run_at"
    ) * 1000
  )::float8,
  "state",
  "attempt",
  "crashes",
  "manual_retries",
  "worker_id",
  (
    extract(
      epoch
      from
        "claimed_at"
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        "finished_at"
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        "created_at"
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        "cancel_requested_at"
    ) * 1000
  )::float8,
  "reason"
from
  "soniq_jobs"
where
  (
    "soniq_jobs"."id" < $1
    and "soniq_jobs"."id" = any (
      array(
        select
          id
        from
          "soniq_jobs"
        where
          state = 'active'
      )
    )
  )
order by
  "soniq_jobs"."id" desc
limit
  $2;
