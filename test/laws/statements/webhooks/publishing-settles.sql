select
  "id"
from
  "soniq_webhook_endpoints"
where
  (
    "soniq_webhook_endpoints"."tenant" is null
    and (
      "soniq_webhook_endpoints"."events" @> pg_catalog.to_jsonb ($1::text)
      or "soniq_webhook_endpoints"."events" @> pg_catalog.to_jsonb ($2::text)
      or "soniq_webhook_endpoints"."events" @> pg_catalog.to_jsonb ($3::text)
      or "soniq_webhook_endpoints"."events" @> pg_catalog.to_jsonb ($4::text)
    )
  )
limit
  $5;

with
  settled as (
    update "soniq_jobs"
    set
      "state" = case
        when s.state <> 'completed'
        and "soniq_jobs"."cancel_requested_at" is not null then 'cancelled'
        when s."graceMs" is not null
        and (
          s.alone
          or coalesce("soniq_jobs"."unknown_since", now()) + s."graceMs" * interval '1 millisecond' <= now()
        )
        or s."maxCrashes" is not null
        and "soniq_jobs"."crashes" + 1 >= s."maxCrashes" then 'dead'
        else s.state
      end,
      "run_at" = case
        when case
          when s.state <> 'completed'
          and "soniq_jobs"."cancel_requested_at" is not null then 'cancelled'
          when s."graceMs" is not null
          and (
            s.alone
            or coalesce("soniq_jobs"."unknown_since", now()) + s."graceMs" * interval '1 millisecond' <= now()
          )
          or s."maxCrashes" is not null
          and "soniq_jobs"."crashes" + 1 >= s."maxCrashes" then 'dead'
          else s.state
        end = 'queued' then case
          when s.parked then 'infinity'
          else coalesce(
            now() + s."delayMs" * interval '1 millisecond',
            "soniq_jobs"."run_at"
          )
        end
        else "soniq_jobs"."run_at"
      end,
      "attempt" = "soniq_jobs"."attempt" - case
        when s."graceMs" is not null
        and (
          s.alone
          or coalesce("soniq_jobs"."unknown_since", now()) + s."graceMs" * interval '1 millisecond' <= now()
        )
        and s.error is not null then 0
        else s.refund
      end,
      "crashes" = case
        when s."maxCrashes" is not null then "soniq_jobs"."crashes" + 1
        when s.ran then 0
        else "soniq_jobs"."crashes"
      end,
      "worker_id" = $1,
      "deadline_at" = $2,
      "unknown_since" = case
        when s."graceMs" is not null then coalesce("soniq_jobs"."unknown_since", now())
        when s.state = 'queued'
        and s.ran is not true then "soniq_jobs"."unknown_since"
      end,
      "unique_held" = "soniq_jobs"."unique_held"
      and (
        case
          when s.state <> 'completed'
          and "soniq_jobs"."cancel_requested_at" is not null then 'cancelled'
          when s."graceMs" is not null
          and (
            s.alone
            or coalesce("soniq_jobs"."unknown_since", now()) + s."graceMs" * interval '1 millisecond' <= now()
          )
          or s."maxCrashes" is not null
          and "soniq_jobs"."crashes" + 1 >= s."maxCrashes" then 'dead'
          else s.state
        end = 'queued'
        or coalesce("soniq_jobs"."unique_expires_at" > now(), false)
      ),
      "finished_at" = case
        when case
          when s.state <> 'completed'
          and "soniq_jobs"."cancel_requested_at" is not null then 'cancelled'
          when s."graceMs" is not null
          and (
            s.alone
            or coalesce("soniq_jobs"."unknown_since", now()) + s."graceMs" * interval '1 millisecond' <= now()
          )
          or s."maxCrashes" is not null
          and "soniq_jobs"."crashes" + 1 >= s."maxCrashes" then 'dead'
          else s.state
        end <> 'queued' then now()
      end,
      "result" = s.result,
      "errors" = case
        when s.error is not null
        and (
          s.refund = 0
          or s."graceMs" is not null
          and (
            s.alone
            or coalesce("soniq_jobs"."unknown_since", now()) + s."graceMs" * interval '1 millisecond' <= now()
          )
          or s."maxCrashes" is not null
          and "soniq_jobs"."crashes" + 1 >= s."maxCrashes"
        ) then (
          case
            when jsonb_typeof("soniq_jobs"."errors") <> 'array' then '[]'
            when jsonb_array_length("soniq_jobs"."errors") >= 10 then "soniq_jobs"."errors" - 0
            else "soniq_jobs"."errors"
          end
        ) || pg_catalog.jsonb_build_array (
          s.error || pg_catalog.jsonb_build_object ('at', now())
        )
        else "soniq_jobs"."errors"
      end,
      "logs" = case
        when s.logs is null then "soniq_jobs"."logs"
        else (
          select
            coalesce(
              pg_catalog.jsonb_agg (
                line
                order by
                  place
              ),
              '[]'
            )
          from
            (
              select
                line,
                place
              from
                (
                  select
                    line,
                    place
                  from
                    jsonb_array_elements(
                      case
                        when jsonb_typeof("soniq_jobs"."logs") = 'array' then "soniq_jobs"."logs"
                        else '[]'
                      end
                    ) with ordinality as kept (line, place)
                  union all
                  select
                    line,
                    jsonb_array_length(
                      case
                        when jsonb_typeof("soniq_jobs"."logs") = 'array' then "soniq_jobs"."logs"
                        else '[]'
                      end
                    ) + place
                  from
                    (
                      select
                        pg_catalog.jsonb_build_object (
                          'at',
                          to_char(
                            (
                              "soniq_jobs"."claimed_at" + (line ->> 'afterUs')::bigint * interval '1 microsecond'
                            ) at time zone 'UTC',
                            'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
                          )
                        ) || (line - 'afterUs') as line,
                        place
                      from
                        jsonb_array_elements(s.logs) with ordinality as sent (line, place)
                    ) as timed
                  where
                    not case
                      when jsonb_typeof("soniq_jobs"."logs") = 'array' then "soniq_jobs"."logs"
                      else '[]'
                    end @> pg_catalog.jsonb_build_array (line)
                ) as every
              order by
                place desc
              limit
                100
            ) as newest
        )
      end,
      "reason" = case case
          when s.state <> 'completed'
          and "soniq_jobs"."cancel_requested_at" is not null then 'cancelled'
          when s."graceMs" is not null
          and (
            s.alone
            or coalesce("soniq_jobs"."unknown_since", now()) + s."graceMs" * interval '1 millisecond' <= now()
          )
          or s."maxCrashes" is not null
          and "soniq_jobs"."crashes" + 1 >= s."maxCrashes" then 'dead'
          else s.state
        end
        when 'cancelled' then coalesce(
          "soniq_jobs"."reason",
          case
            when s.state <> 'queued' then s.reason
          end,
          'cancelled'
        )
        when 'dead' then case
          when s."maxCrashes" is not null
          and "soniq_jobs"."crashes" + 1 >= s."maxCrashes" then 'its transaction lost its connection (crash ' || ("soniq_jobs"."crashes" + 1) || ' of ' || s."maxCrashes" || '): ' || (s.error ->> 'message')
          else s.reason
        end
      end
    from
      (
        select
          *,
          case
            when row.queue is not null then not exists (
              select
                1
              from
                "soniq_workers" as own,
                "soniq_workers" as other
              where
                own.id = $3
                and other.ended_at is null
                and other.lease_expires_at > now()
                and other.code is distinct from own.code
                and other.queues ? row.queue
            )
            else false
          end as alone
        from
          jsonb_to_recordset($4::text::jsonb) as row (
            id bigint,
            token int,
            state text,
            "delayMs" float8,
            parked boolean,
            refund int,
            ran boolean,
            "maxCrashes" int,
            "graceMs" float8,
            queue text,
            result jsonb,
            error jsonb,
            reason text,
            logs jsonb
          )
        limit
          $5
      ) as s
    where
      "soniq_jobs"."id" = s.id
      and "soniq_jobs"."claim_token" = s.token
      and "soniq_jobs"."worker_id" = $6
    returning
      "soniq_jobs"."id",
      "soniq_jobs"."claim_token",
      "soniq_jobs"."state",
      "soniq_jobs"."last_worker_id",
      "soniq_jobs"."name",
      "soniq_jobs"."queue",
      "soniq_jobs"."attempt",
      "soniq_jobs"."max_attempts",
      "soniq_jobs"."reason",
      case
        when s.refund = 0
        or "soniq_jobs"."state" = 'dead' then s.error
      end as "error"
  ),
  also as (
    insert into
      "soniq_jobs" (
        "name",
        "queue",
        "priority",
        "max_attempts",
        "payload",
        "tags",
        "meta",
        "run_at",
        "expires_at"
      )
    select
      $7::text,
      $8::text,
      $9::int,
      $10::int,
      pg_catalog.jsonb_build_object (
        'endpoint',
        "soniq_webhook_endpoints"."id",
        'event',
        event,
        'id',
        pg_catalog.concat_ws (
          '_',
          'msg_job',
          settled.id,
          last_worker_id,
          claim_token
        ),
        'at',
        to_char(
          now() at time zone 'UTC',
          'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
        ),
        'data',
        pg_catalog.jsonb_build_object (
          'id',
          settled.id,
          'name',
          settled.name,
          'queue',
          queue,
          'attempt',
          attempt,
          'maxAttempts',
          max_attempts,
          'reason',
          reason,
          'error',
          error ->> 'message'
        )
      ),
      $11::text::jsonb,
      $12::text::jsonb,
      greatest(
        clock_timestamp(),
        coalesce(
          to_timestamp(
            case
              when (
                "soniq_webhook_endpoints"."paused_at" is not null
                or coalesce(
                  "soniq_webhook_endpoints"."open_until" > now(),
                  false
                )
              ) then float8 'infinity'
            end / 1000
          ),
          clock_timestamp() + coalesce($13::float8, 0) * interval '1 millisecond'
        )
      ),
      clock_timestamp() + $14::float8 * interval '1 millisecond'
    from
      (
        select
          *,
          case
            when state = 'queued'
            and error is not null then $15
            when state <> 'queued' then 'job.' || state
          end as event
        from
          settled
        where
          name <> 'soniq.webhook'
      ) as settled
      join "soniq_webhook_endpoints" on "soniq_webhook_endpoints"."tenant" is null
      and "soniq_webhook_endpoints"."events" @> pg_catalog.to_jsonb (event)
    returning
      id,
      run_at
  )
select
  id,
  claim_token,
  state
from
  settled;
