select
  pg_backend_pid(),
  extract(
    epoch
    from
      now()
  )::text,
  set_config('idle_in_transaction_session_timeout', $1, true),
  coalesce(
    extract(
      epoch
      from
        current_setting('transaction_timeout', true)::interval
    ) * 1000,
    0
  )::float8,
  set_config('statement_timeout', $2, true)
from
  (
    values
      (1)
  ) as one;

select
  pg_cancel_backend(pid)
from
  pg_stat_activity
where
  pid = $1::int
  and extract(
    epoch
    from
      xact_start
  )::text = $2;
