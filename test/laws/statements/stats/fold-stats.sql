with
  step as materialized (
    select
      at
    from
      generate_series(
        to_timestamp(
          floor((date_part('epoch', now()) - $1::int) / $2::int) * $3::int
        ),
        to_timestamp(
          floor((date_part('epoch', now()) - $4::int) / $5::int) * $6::int
        ) - $7::int * interval '1 second',
        $8::int * interval '1 second'
      ) as step (at)
    where
      exists (
        select
          1
        from
          "soniq_stats"
        where
          minute > step.at
          and minute < step.at + $9::int * interval '1 second'
      )
    limit
      1
  ),
  folded as (
    delete from "soniq_stats" using step
    where
      minute > step.at
      and minute < step.at + $10::int * interval '1 second'
    returning
      at,
      queue,
      name,
      measure,
      bucket,
      count
  ),
  added as (
    insert into
      "soniq_stats" (minute, queue, name, measure, bucket, count)
    select
      at,
      queue,
      name,
      measure,
      bucket,
      sum(count)
    from
      folded
    group by
      1,
      2,
      3,
      4,
      5
    order by
      1,
      2,
      3,
      4,
      5
    on conflict (minute, queue, name, measure, bucket) do update
    set
      count = "soniq_stats".count + excluded.count
  )
select
  at
from
  step;
