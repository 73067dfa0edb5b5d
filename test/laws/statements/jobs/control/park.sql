update "soniq_jobs"
set
  "run_at" = 'infinity'
where
  "soniq_jobs"."id" = any (
    array(
      (
        select
          "id"
        from
          "soniq_jobs"
        where
          (
            "soniq_jobs"."id" = any ($1::text::bigint[])
            and "soniq_jobs"."state" = 'queued'
            and not "soniq_jobs"."run_at" = 'infinity'
          )
        for no key update
          skip locked
      )
    )
  )
returning
  "id";

update "soniq_jobs"
set
  "run_at" = now()
where
  "soniq_jobs"."id" = any (
    array(
      (
        select
          "id"
        from
          "soniq_jobs"
        where
          (
            "soniq_jobs"."id" = any ($1::text::bigint[])
            and "soniq_jobs"."state" = 'queued'
            and "soniq_jobs"."run_at" = 'infinity'
          )
        for no key update
          skip locked
      )
    )
  )
returning
  "id";
