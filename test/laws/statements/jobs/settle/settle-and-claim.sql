with
  settled as (
    update "soniq_jobs"
    set
      "state" = 'completed',
      "run_at" = case
        when 'completed' = 'queued' then null
        else "soniq_jobs"."run_at"
      end,
      "worker_id" = $1,
      "deadline_at" = $2,
      "unknown_since" = $3,
      "unique_held" = "soniq_jobs"."unique_held"
      and (
        'completed' = 'queued'
        or coalesce("soniq_jobs"."unique_expires_at" > now(), false)
      ),
      "finished_at" = case
        when 'completed' <> 'queued' then now()
      end,
      "result" = s.result,
      "reason" = $4
    from
      (
        select
          *
        from
          jsonb_to_recordset($5::text::jsonb) as row (id bigint, token int, result jsonb)
        limit
          $6
      ) as s
    where
      "soniq_jobs"."id" = s.id
      and "soniq_jobs"."claim_token" = s.token
      and "soniq_jobs"."worker_id" = $7
    returning
      "soniq_jobs"."id",
      "soniq_jobs"."claim_token",
      "soniq_jobs"."state"
  ),
  claimed as (
    update "soniq_jobs"
    set
      "state" = $8,
      "claims" = "soniq_jobs"."claims" + 1,
      "claim_token" = $9,
      "attempt" = "soniq_jobs"."attempt" + 1,
      "worker_id" = $10::uuid,
      "last_worker_id" = $11::uuid,
      "deadline_at" = now() + coalesce(
        ($12::text::jsonb ->> "soniq_jobs"."name")::float8,
        $13::float8
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
                jsonb_to_recordset($14::text::jsonb) as range (
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
                        and "soniq_jobs"."queue" = $15
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
                            $16::text::bigint[]
                        )::bigint[]
                      )
                    )
                  order by
                    "soniq_jobs"."run_at",
                    "soniq_jobs"."id"
                  limit
                    $17
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
                    "soniq_workers"."id" = $18
                    and "soniq_workers"."ended_at" is null
                    and "soniq_workers"."lease_expires_at" > now()
                )
                and not exists (
                  select
                    1
                  from
                    "soniq_queues"
                  where
                    "soniq_queues"."name" = $19
                    and "soniq_queues"."paused_at" is not null
                )
                and (
                  select
                    set_config(
                      'synchronous_commit',
                      case
                        when $20::boolean
                        and current_setting('synchronous_standby_names') = ''
                        and current_setting('synchronous_commit') in ('on', 'local') then 'off'
                        else current_setting('synchronous_commit')
                      end,
                      true
                    )
                ) is not null
              limit
                $21
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
      nullif("meta", '{}')::text as "meta"
  )
select
  settled.id as settled_id,
  settled.claim_token as settled_token,
  settled.state as settled_state,
  claimed.*
from
  settled
  full join claimed on false;
