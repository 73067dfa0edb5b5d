with
  active as materialized (
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
        limit
          $1
      ) as jobs
    group by
      queue
  ),
  names as (
    select
      queue
    from
      (
        with recursive
          hop (queue) as (
            (
              select
                queue
              from
                "soniq_jobs"
              where
                state = 'queued'
              order by
                queue
              limit
                1
            )
            union all
            select
              (
                select
                  j.queue
                from
                  "soniq_jobs" j
                where
                  j.state = 'queued'
                  and j.queue > hop.queue
                order by
                  j.queue
                limit
                  1
              )
            from
              hop
            where
              hop.queue is not null
          )
        select
          queue
        from
          hop
        where
          queue is not null
      ) as waiting
    union
    select
      queue
    from
      active
    union
    select
      name
    from
      "soniq_queues"
    union
    select
      jsonb_object_keys(queues)
    from
      (
        select distinct
          queues
        from
          "soniq_workers"
        where
          "soniq_workers"."ended_at" is null
          and "soniq_workers"."lease_expires_at" > now()
      ) as worked
  )
select
  queues.queue as name,
  extract(
    epoch
    from
      paused_at
  )::float8 * 1000 as "pausedAtMs",
  (
    select
      count(*)::int
    from
      (
        select
          found.*
        from
          generate_series(0, 9) as each (priority)
          cross join lateral (
            select
              1 as one
            from
              "soniq_jobs" as job
            where
              job.state = 'queued'
              and job.queue = queues.queue
              and job.priority = each.priority
              and job.run_at <= now()
            limit
              $2
          ) as found
        limit
          $3
      ) as counted
  ) as due,
  (
    select
      count(*)::int
    from
      (
        select
          found.*
        from
          generate_series(0, 9) as each (priority)
          cross join lateral (
            select
              1 as one
            from
              "soniq_jobs" as job
            where
              job.state = 'queued'
              and job.queue = queues.queue
              and job.priority = each.priority
              and job.run_at > now()
              and job.run_at < 'infinity'
            limit
              $4
          ) as found
        limit
          $5
      ) as counted
  ) as scheduled,
  (
    select
      count(*)::int
    from
      (
        select
          found.*
        from
          generate_series(0, 9) as each (priority)
          cross join lateral (
            select
              1 as one
            from
              "soniq_jobs" as job
            where
              job.state = 'queued'
              and job.queue = queues.queue
              and job.priority = each.priority
              and job.run_at = 'infinity'
            limit
              $6
          ) as found
        limit
          $7
      ) as counted
  ) as parked,
  coalesce(active.jobs, 0) as active,
  (
    select
      round(
        extract(
          epoch
          from
            now() - min(run_at)
        ) * 1000
      )::float8
    from
      (
        select
          found.*
        from
          generate_series(0, 9) as each (priority)
          cross join lateral (
            select
              run_at
            from
              "soniq_jobs" as job
            where
              job.state = 'queued'
              and job.queue = queues.queue
              and job.priority = each.priority
              and job.run_at <= now()
            order by
              run_at
            limit
              1
          ) as found
      ) as first
  ) as "latencyMs"
from
  pg_catalog.unnest (
    array(
      select
        queue
      from
        names
    )
  ) as queues (queue)
  left join active on active.queue = queues.queue
  left join "soniq_queues" on "soniq_queues"."name" = queues.queue
order by
  1;
