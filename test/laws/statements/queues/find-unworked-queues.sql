with
  "waiting" as (
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
  )
select
  queue
from
  "waiting"
where
  not exists (
    select
      1
    from
      "soniq_workers"
    where
      "soniq_workers"."ended_at" is null
      and "soniq_workers"."lease_expires_at" > now()
      and jsonb_exists ("soniq_workers"."queues", queue)
  );
