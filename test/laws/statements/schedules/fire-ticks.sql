with
  locked as materialized (
    select
      request.due,
      request."nextMs" as next_ms,
      schedule.*
    from
      jsonb_to_recordset($1::text::jsonb) as request (
        name text,
        definition text,
        ticks bigint,
        "nextMs" float8,
        due jsonb
      )
      cross join lateral (
        (
          select
            "name",
            "cron",
            "every_ms",
            "time_zone",
            "job_name",
            "payload",
            "options",
            "missed",
            "overlap",
            "jitter_ms",
            "definition",
            "definitions",
            "ticks",
            "next_run_at",
            "last_tick_at",
            "last_job_id",
            "paused_at",
            "orphaned_at",
            "created_at",
            "updated_at"
          from
            "soniq_schedules"
          where
            (
              "soniq_schedules"."name" = request.name
              and "soniq_schedules"."definition" = request.definition
              and "soniq_schedules"."ticks" = request.ticks
              and "soniq_schedules"."paused_at" is null
              and "soniq_schedules"."orphaned_at" is null
              and "soniq_schedules"."next_run_at" <= now()
            )
          for no key update
            skip locked
        )
      ) as schedule
  ),
  schedule as materialized (
    select
      schedule.*,
      (
        exists (
          select
            1
          from
            "soniq_jobs"
          where
            id = schedule.last_job_id
            and finished_at is null
        )
        or schedule.last_job_id is distinct from (
          select
            seen.last_job_id
          from
            "soniq_schedules" as seen
          where
            seen.name = schedule.name
        )
      ) as is_running
    from
      locked as schedule
  ),
  freed as (
    update "soniq_jobs"
    set
      unique_held = false
    where
      id = any (
        array(
          select
            holder.id
          from
            schedule
            join "soniq_jobs" as holder on holder.unique_key = schedule.options ->> 'uniqueKey'
            and unique_held
            and unique_key is not null
            and (
              coalesce(unique_expires_at <= clock_timestamp(), false)
              and (
                finished_at is not null
                or unique_until = 'started'
                and claimed_at is not null
              )
            )
          order by
            schedule.options ->> 'uniqueKey' nulls first,
            schedule.name
          for no key update of
            holder
        )
      )
    returning
      id
  ),
  job as (
    insert into
      "soniq_jobs" (
        "name",
        "queue",
        "priority",
        "max_attempts",
        "payload",
        "tags",
        "meta",
        "unique_key",
        "unique_until",
        "unique_expires_at",
        "run_at",
        "expires_at"
      )
    select
      schedule.job_name,
      (schedule.options ->> 'queue')::text,
      (schedule.options ->> 'priority')::int,
      (schedule.options ->> 'maxAttempts')::int,
      schedule.payload,
      schedule.options -> 'tags',
      jsonb_strip_nulls(
        pg_catalog.jsonb_build_object ('schedule', schedule.name, 'tick', tick.iso)
      ),
      (
        select
          schedule.options ->> 'uniqueKey'
        from
          (
            select
              count(*)
            from
              freed
          ) as freed
      ),
      coalesce(schedule.options ->> 'uniqueUntil', 'finished'),
      clock_timestamp() + (schedule.options ->> 'withinMs')::float8 * interval '1 millisecond',
      greatest(
        clock_timestamp(),
        coalesce(
          to_timestamp((tick.ms + random() * schedule.jitter_ms) / 1000),
          clock_timestamp() + coalesce((schedule.options ->> 'delayMs')::float8, 0) * interval '1 millisecond'
        )
      ),
      clock_timestamp() + (schedule.options ->> 'expiresInMs')::float8 * interval '1 millisecond'
    from
      schedule
      cross join lateral jsonb_to_recordset(schedule.due) as tick (n int, ms float8, iso text)
    where
      schedule.overlap = 'allow'
      or (
        tick.n = 0
        and not schedule.is_running
      )
    order by
      schedule.options ->> 'uniqueKey' nulls first,
      schedule.name,
      tick.n
    on conflict (unique_key)
    where
      unique_held
      and unique_key is not null do nothing
    returning
      id,
      queue,
      meta ->> 'schedule' as schedule
  ),
  created as materialized (
    select
      job.schedule,
      count(*)::int as jobs,
      max(id) as last_id
    from
      job
    group by
      job.schedule
  )
update "soniq_schedules"
set
  ticks = schedule.ticks + greatest(1, jsonb_array_length(schedule.due)),
  next_run_at = to_timestamp(schedule.next_ms / 1000),
  last_tick_at = coalesce(
    to_timestamp((schedule.due -> -1 ->> 'ms')::float8 / 1000),
    schedule.last_tick_at
  ),
  last_job_id = coalesce(created.last_id, schedule.last_job_id),
  updated_at = now()
from
  schedule
  left join created on created.schedule = schedule.name
where
  "soniq_schedules"."name" = schedule.name
returning
  "soniq_schedules"."name",
  coalesce(created.jobs, 0) as jobs,
  (
    select
      count(
        case
          when exists (
            select
              1
            from
              "soniq_workers"
            where
              "soniq_workers"."ended_at" is null
              and "soniq_workers"."lease_expires_at" > now()
              and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb (woken.queue::text)
          ) then pg_notify ($2, woken.queue) is null
        end
      )
    from
      (
        select distinct
          queue
        from
          job
      ) as woken
  ) as rung;
