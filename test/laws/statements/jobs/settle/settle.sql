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
  "soniq_jobs"."state";

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
  (
    "soniq_jobs"."id" = s.id
    and "soniq_jobs"."claim_token" = s.token
    and "soniq_jobs"."worker_id" = $7
    and "soniq_jobs"."id" = any (
      array(
        (
          select
            "id"
          from
            "soniq_jobs"
          where
            "soniq_jobs"."id" = any ($8::text::bigint[])
          order by
            "soniq_jobs"."id"
          for no key update
            skip locked
        )
      )
    )
  )
returning
  "soniq_jobs"."id",
  "soniq_jobs"."claim_token",
  "soniq_jobs"."state";

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
      (
        "soniq_jobs"."id" = s.id
        and "soniq_jobs"."claim_token" = s.token
        and "soniq_jobs"."worker_id" = $7
        and "soniq_jobs"."id" = any (
          array(
            (
              select
                "id"
              from
                "soniq_jobs"
              where
                "soniq_jobs"."id" = any ($8::text::bigint[])
              order by
                "soniq_jobs"."id"
              for no key update
                skip locked
            )
          )
        )
      )
    returning
      "soniq_jobs"."id",
      "soniq_jobs"."claim_token",
      "soniq_jobs"."state"
  )
select
  (
    $9::text || ': ' || (
      select
        count(*)
      from
        settled
    )
  )::int as id
from
  settled;

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
  "soniq_jobs"."state";

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
  (
    "soniq_jobs"."id" = s.id
    and "soniq_jobs"."claim_token" = s.token
    and "soniq_jobs"."worker_id" = $6
    and "soniq_jobs"."id" = any (
      array(
        (
          select
            "id"
          from
            "soniq_jobs"
          where
            "soniq_jobs"."id" = any ($7::text::bigint[])
          order by
            "soniq_jobs"."id"
          for no key update
            skip locked
        )
      )
    )
  )
returning
  "soniq_jobs"."id",
  "soniq_jobs"."claim_token",
  "soniq_jobs"."state";

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
      (
        "soniq_jobs"."id" = s.id
        and "soniq_jobs"."claim_token" = s.token
        and "soniq_jobs"."worker_id" = $6
        and "soniq_jobs"."id" = any (
          array(
            (
              select
                "id"
              from
                "soniq_jobs"
              where
                "soniq_jobs"."id" = any ($7::text::bigint[])
              order by
                "soniq_jobs"."id"
              for no key update
                skip locked
            )
          )
        )
      )
    returning
      "soniq_jobs"."id",
      "soniq_jobs"."claim_token",
      "soniq_jobs"."state"
  )
select
  (
    $8::text || ': ' || (
      select
        count(*)
      from
        settled
    )
  )::int as id
from
  settled;
