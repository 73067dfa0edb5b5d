select
  date_part('epoch', minute) as minute,
  sum(count)::float8 as attempts
from
  "soniq_stats"
where
  minute >= date_trunc('minute', now()) - interval '1 minute'
  and measure in (
    'completed',
    'retried',
    'snoozed',
    'cancelled',
    'dead'
  )
group by
  1
order by
  1;
