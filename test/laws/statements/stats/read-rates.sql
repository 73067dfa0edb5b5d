select
  queue,
  sum(count)::float8 * 60 / date_part(
    'epoch',
    now() - (
      date_trunc('minute', now()) - interval '4 minutes'
    )
  ) as "perMinute"
from
  "soniq_stats"
where
  minute >= date_trunc('minute', now()) - interval '4 minutes'
  and measure = 'completed'
group by
  queue
order by
  queue;
