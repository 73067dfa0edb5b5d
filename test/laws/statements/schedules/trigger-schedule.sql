with
  schedule as (
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
        "soniq_schedules"."name" = $1
      for no key update
    )
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
        pg_catalog.jsonb_build_object ('schedule', schedule.name, 'tick', null)
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
          to_timestamp(null::float8 / 1000),
          clock_timestamp() + coalesce((schedule.options ->> 'delayMs')::float8, 0) * interval '1 millisecond'
        )
      ),
      clock_timestamp() + (schedule.options ->> 'expiresInMs')::float8 * interval '1 millisecond'
    from
      schedule
    on conflict (unique_key)
    where
      unique_held
      and unique_key is not null do nothing
    returning
      id,
      queue,
      meta ->> 'schedule' as schedule
  )
update "soniq_schedules"
set
  last_job_id = case
    when (
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
    ) then schedule.last_job_id
    else coalesce(
      (
        select
          id
        from
          job
      ),
      schedule.last_job_id
    )
  end
from
  schedule
where
  "soniq_schedules"."name" = schedule.name
returning
  (
    select
      id
    from
      job
  ) as id,
  (
    select
      case
        when exists (
          select
            1
          from
            "soniq_workers"
          where
            "soniq_workers"."ended_at" is null
            and "soniq_workers"."lease_expires_at" > now()
            and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb (job.queue::text)
        ) then pg_notify ($2, job.queue) is null
      end
    from
      job
  ) as rung;

select
  "name"
from
  "soniq_schedules"
order by
  "soniq_schedules"."name" asc
limit
  $1;
