select
  current_setting('max_connections')::int,
  current_setting('superuser_reserved_connections')::int + coalesce(
    current_setting('reserved_connections', true)::int,
    0
  ),
  (
    select
      sum(numbackends)::int - 1
    from
      pg_stat_database
  ),
  session_user::text,
  coalesce(
    (
      select
        not rolsuper
      from
        pg_roles
      where
        rolname = session_user
    ),
    false
  ),
  coalesce(
    (
      select
        rolconnlimit
      from
        pg_roles
      where
        rolname = session_user
    ),
    -1
  ),
  (
    select
      count(*)::int - 1
    from
      pg_stat_activity
    where
      usename = session_user
      and backend_type = 'client backend'
  ),
  current_database()::text,
  (
    select
      datconnlimit
    from
      pg_database
    where
      datname = current_database()
  ),
  (
    select
      numbackends - 1
    from
      pg_stat_database
    where
      datname = current_database()
  )
from
  (
    values
      (1)
  ) as one;
