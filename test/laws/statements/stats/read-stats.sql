select
  floor(date_part('epoch', minute) / 60)::int as step,
  name,
  measure,
  bucket,
  sum(count) as count
from
  (
    select
      minute,
      name,
      measure,
      bucket,
      sum(count)::float8 as count
    from
      "soniq_stats"
    where
      minute >= to_timestamp(
        (floor(date_part('epoch', now()) / 60)::int - 59) * $1::float8
      )
      and true
      and true
    group by
      grouping sets (
        (minute, measure, bucket),
        (name, measure, bucket)
      )
  ) as sums
group by
  1,
  2,
  3,
  4
union all
select
  floor(date_part('epoch', now()) / 60)::int - 59,
  null,
  'first',
  0,
  0;

select
  floor(date_part('epoch', minute) / 7200)::int as step,
  name,
  measure,
  bucket,
  sum(count) as count
from
  (
    select
      minute,
      name,
      measure,
      bucket,
      sum(count)::float8 as count
    from
      "soniq_stats"
    where
      minute >= to_timestamp(
        (floor(date_part('epoch', now()) / 7200)::int - 83) * $1::float8
      )
      and "soniq_stats"."queue" = $2
      and "soniq_stats"."name" = $3
    group by
      grouping sets (
        (minute, measure, bucket),
        (name, measure, bucket)
      )
  ) as sums
group by
  1,
  2,
  3,
  4
union all
select
  floor(date_part('epoch', now()) / 7200)::int - 83,
  null,
  'first',
  0,
  0;
