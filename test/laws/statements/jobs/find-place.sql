with recursive
  halves (low, high) as (
    select
      0::bigint,
      coalesce(
        (
          select
            id
          from
            "soniq_jobs"
          order by
            id desc
          limit
            1
        ),
        0
      ) + 1
    union all
    select
      case
        when later then low
        else middle
      end,
      case
        when later then middle
        else high
      end
    from
      halves
      cross join lateral (
        select
          (low + high) / 2 as middle
      ) as half
      cross join lateral (
        select
          coalesce(
            (
              select
                created_at >= to_timestamp($1::float8 / 1000)
              from
                "soniq_jobs"
              where
                id >= middle
              order by
                id
              limit
                1
            ),
            true
          ) as later
      ) as looked
    where
      high - low > 1
  )
select
  min(high)::float8 as place
from
  halves;
