with
  "sized" as (
    select
      locked.id as "id",
      sum(locked.weight) over (rows unbounded preceding) - locked.weight < $1::float8 as "fits"
    from
      (
        (
          select
            "due"."id",
            "weight"
          from
            jsonb_to_recordset($2::text::jsonb) as range (
              priority smallint,
              "runAt" timestamptz,
              id bigint,
              "endAt" timestamptz,
              "endId" bigint
            )
            cross join lateral (
              select
                "id",
                pg_column_size("payload")::float8 * case
                  when pg_column_compression("payload") is null then 1
                  else 32
                end as "weight"
              from
                "soniq_jobs"
              where
                (
                  (
                    "soniq_jobs"."state" = 'queued'
                    and "soniq_jobs"."queue" = $3
                    and "soniq_jobs"."run_at" <= now()
                    and not coalesce(
                      "soniq_jobs"."expires_at" <= now()
                      and "soniq_jobs"."attempt" = 0,
                      false
                    )
                  )
                  and "soniq_jobs"."priority" = range.priority
                  and ("soniq_jobs"."run_at", "soniq_jobs"."id") >= (range."runAt", range.id)
                  and ("soniq_jobs"."run_at", "soniq_jobs"."id") < (range."endAt", range."endId")
                  and "soniq_jobs"."id" <> all (
                    (
                      select
                        $4::text::bigint[]
                    )::bigint[]
                  )
                )
              order by
                "soniq_jobs"."run_at",
                "soniq_jobs"."id"
              limit
                $5
              for no key update
                skip locked
            ) "due"
          where
            exists (
              select
                1
              from
                "soniq_workers"
              where
                "soniq_workers"."id" = $6
                and "soniq_workers"."ended_at" is null
                and "soniq_workers"."lease_expires_at" > now()
            )
            and not exists (
              select
                1
              from
                "soniq_queues"
              where
                "soniq_queues"."name" = $7
                and "soniq_queues"."paused_at" is not null
            )
            and (
              select
                set_config(
                  'synchronous_commit',
                  case
                    when $8::boolean
                    and current_setting('synchronous_standby_names') = ''
                    and current_setting('synchronous_commit') in ('on', 'local') then 'off'
                    else current_setting('synchronous_commit')
                  end,
                  true
                )
            ) is not null
          limit
            $9
        )
      ) as locked
  )
update "soniq_jobs"
set
  "state" = $10,
  "claims" = "soniq_jobs"."claims" + 1,
  "claim_token" = $11,
  "attempt" = "soniq_jobs"."attempt" + 1,
  "worker_id" = $12::uuid,
  "last_worker_id" = $13::uuid,
  "deadline_at" = now() + coalesce(
    ($14::text::jsonb ->> "soniq_jobs"."name")::float8,
    $15::float8
  ) * interval '1 millisecond',
  "unique_held" = "soniq_jobs"."unique_held"
  and (
    "soniq_jobs"."unique_until" <> 'started'
    or coalesce("soniq_jobs"."unique_expires_at" > now(), false)
  ),
  "claimed_at" = now()
where
  "soniq_jobs"."id" = any (
    array(
      select
        "id"
      from
        "sized"
      where
        "fits"
    )
  )
returning
  "id",
  "name",
  "priority",
  coalesce(
    to_char(
      "run_at" at time zone 'UTC',
      'YYYY-MM-DD HH24:MI:SS.US+00'
    ),
    '-infinity'
  ) as "due",
  "claims",
  "attempt",
  "max_attempts",
  "crashes",
  least(
    (
      date_part('epoch', now()) - date_part('epoch', "run_at")
    ) * 1000,
    2147483647
  )::int as "wait_ms",
  "payload"::text as "payload",
  nullif("tags", '[]')::text as "tags",
  nullif("meta", '{}')::text as "meta",
  (
    select
      true
    from
      "sized"
    where
      not "fits"
    limit
      1
  ) as "cut";

update "soniq_jobs"
set
  "state" = $1,
  "claims" = "soniq_jobs"."claims" + 1,
  "claim_token" = $2,
  "attempt" = "soniq_jobs"."attempt" + 1,
  "worker_id" = $3::uuid,
  "last_worker_id" = $4::uuid,
  "deadline_at" = now() + coalesce(
    ($5::text::jsonb ->> "soniq_jobs"."name")::float8,
    $6::float8
  ) * interval '1 millisecond',
  "unique_held" = "soniq_jobs"."unique_held"
  and (
    "soniq_jobs"."unique_until" <> 'started'
    or coalesce("soniq_jobs"."unique_expires_at" > now(), false)
  ),
  "claimed_at" = now()
where
  "soniq_jobs"."id" = (
    select
      due.id
    from
      (
        (
          select
            "due"."id",
            "weight"
          from
            jsonb_to_recordset($7::text::jsonb) as range (
              priority smallint,
              "runAt" timestamptz,
              id bigint,
              "endAt" timestamptz,
              "endId" bigint
            )
            cross join lateral (
              select
                "id",
                pg_column_size("payload")::float8 * case
                  when pg_column_compression("payload") is null then 1
                  else 32
                end as "weight"
              from
                "soniq_jobs"
              where
                (
                  (
                    "soniq_jobs"."state" = 'queued'
                    and "soniq_jobs"."queue" = $8
                    and "soniq_jobs"."run_at" <= now()
                    and not coalesce(
                      "soniq_jobs"."expires_at" <= now()
                      and "soniq_jobs"."attempt" = 0,
                      false
                    )
                  )
                  and "soniq_jobs"."priority" = range.priority
                  and ("soniq_jobs"."run_at", "soniq_jobs"."id") >= (range."runAt", range.id)
                  and ("soniq_jobs"."run_at", "soniq_jobs"."id") < (range."endAt", range."endId")
                  and "soniq_jobs"."id" <> all (
                    (
                      select
                        $9::text::bigint[]
                    )::bigint[]
                  )
                )
              order by
                "soniq_jobs"."run_at",
                "soniq_jobs"."id"
              limit
                $10
              for no key update
                skip locked
            ) "due"
          where
            exists (
              select
                1
              from
                "soniq_workers"
              where
                "soniq_workers"."id" = $11
                and "soniq_workers"."ended_at" is null
                and "soniq_workers"."lease_expires_at" > now()
            )
            and not exists (
              select
                1
              from
                "soniq_queues"
              where
                "soniq_queues"."name" = $12
                and "soniq_queues"."paused_at" is not null
            )
            and (
              select
                set_config(
                  'synchronous_commit',
                  case
                    when $13::boolean
                    and current_setting('synchronous_standby_names') = ''
                    and current_setting('synchronous_commit') in ('on', 'local') then 'off'
                    else current_setting('synchronous_commit')
                  end,
                  true
                )
            ) is not null
          limit
            $14
        )
      ) as due
  )
returning
  "id",
  "name",
  "priority",
  coalesce(
    to_char(
      "run_at" at time zone 'UTC',
      'YYYY-MM-DD HH24:MI:SS.US+00'
    ),
    '-infinity'
  ) as "due",
  "claims",
  "attempt",
  "max_attempts",
  "crashes",
  least(
    (
      date_part('epoch', now()) - date_part('epoch', "run_at")
    ) * 1000,
    2147483647
  )::int as "wait_ms",
  "payload"::text as "payload",
  nullif("tags", '[]')::text as "tags",
  nullif("meta", '{}')::text as "meta";

with
  "sized" as (
    select
      locked.id as "id",
      sum(locked.weight) over (rows unbounded preceding) - locked.weight < $1::float8 as "fits"
    from
      (
        (
          select
            "id",
            pg_column_size("payload")::float8 * case
              when pg_column_compression("payload") is null then 1
              else 32
            end as "weight"
          from
            "soniq_jobs"
          where
            (
              "soniq_jobs"."id" = any ($2::text::bigint[])
              and (
                "soniq_jobs"."state" = 'queued'
                and "soniq_jobs"."queue" = $3
                and "soniq_jobs"."run_at" <= now()
                and not coalesce(
                  "soniq_jobs"."expires_at" <= now()
                  and "soniq_jobs"."attempt" = 0,
                  false
                )
              )
              and exists (
                select
                  1
                from
                  "soniq_workers"
                where
                  "soniq_workers"."id" = $4
                  and "soniq_workers"."ended_at" is null
                  and "soniq_workers"."lease_expires_at" > now()
              )
              and not exists (
                select
                  1
                from
                  "soniq_queues"
                where
                  "soniq_queues"."name" = $5
                  and "soniq_queues"."paused_at" is not null
              )
              and (
                select
                  set_config(
                    'synchronous_commit',
                    case
                      when $6::boolean
                      and current_setting('synchronous_standby_names') = ''
                      and current_setting('synchronous_commit') in ('on', 'local') then 'off'
                      else current_setting('synchronous_commit')
                    end,
                    true
                  )
              ) is not null
            )
          for no key update
            skip locked
        )
      ) as locked
  )
update "soniq_jobs"
set
  "state" = $7,
  "claims" = "soniq_jobs"."claims" + 1,
  "claim_token" = $8,
  "attempt" = "soniq_jobs"."attempt" + 1,
  "worker_id" = $9::uuid,
  "last_worker_id" = $10::uuid,
  "deadline_at" = now() + coalesce(
    ($11::text::jsonb ->> "soniq_jobs"."name")::float8,
    $12::float8
  ) * interval '1 millisecond',
  "unique_held" = "soniq_jobs"."unique_held"
  and (
    "soniq_jobs"."unique_until" <> 'started'
    or coalesce("soniq_jobs"."unique_expires_at" > now(), false)
  ),
  "claimed_at" = now()
where
  "soniq_jobs"."id" = any (
    array(
      select
        "id"
      from
        "sized"
      where
        "fits"
    )
  )
returning
  "id",
  "name",
  "priority",
  coalesce(
    to_char(
      "run_at" at time zone 'UTC',
      'YYYY-MM-DD HH24:MI:SS.US+00'
    ),
    '-infinity'
  ) as "due",
  "claims",
  "attempt",
  "max_attempts",
  "crashes",
  least(
    (
      date_part('epoch', now()) - date_part('epoch', "run_at")
    ) * 1000,
    2147483647
  )::int as "wait_ms",
  "payload"::text as "payload",
  nullif("tags", '[]')::text as "tags",
  nullif("meta", '{}')::text as "meta",
  (
    select
      true
    from
      "sized"
    where
      not "fits"
    limit
      1
  ) as "cut";
