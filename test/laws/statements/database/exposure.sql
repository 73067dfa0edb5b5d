select
  rolname::text
from
  pg_roles
where
  rolname in ($1, $2, $3)
  and exists (
    select
      1
    from
      pg_class
    where
      pg_class.oid = to_regclass('soniq_jobs')
      and not relrowsecurity
      and has_table_privilege(
        pg_roles.oid,
        pg_class.oid,
        'select, insert, update, delete'
      )
  );

select
  quote_ident(nspname)
from
  pg_namespace
where
  nspname = any (current_schemas(false))
  and exists (
    select
    from
      aclexplode(nspacl)
    where
      grantee = 0
      and privilege_type = 'CREATE'
  );
