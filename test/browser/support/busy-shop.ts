import type { Sql } from "postgres";

/** A shop in the afternoon: queues, jobs of all states, two hours of statistics, workers, schedules, endpoints and what was done. */
export async function fillShop(sql: Sql): Promise<void> {
  await sql`select setseed(0.42)`;
  await sql`insert into soniq_queues values ('imports', now() - interval '41 minutes')`;
  await workers(sql);
  await statistics(sql);
  await finishedJobs(sql);
  await runningJobs(sql);
  await waitingJobs(sql);
  await deadJobs(sql);
  await schedules(sql);
  await endpoints(sql);
  await sql`insert into soniq_audit (at, actor, action, target, outcome) values
    (now() - interval '3 hours', 'mira@example.com', 'queue.pause', 'billing', 'paused'),
    (now() - interval '170 minutes', 'mira@example.com', 'queue.resume', 'billing', 'resumed'),
    (now() - interval '95 minutes', 'jonas@example.com', 'dead-letters.retry', '', '212 done, 3 refused'),
    (now() - interval '92 minutes', 'jonas@example.com', 'job.discard', '4711', 'refused: job #4711 is running: cancel it instead'),
    (now() - interval '41 minutes', 'mira@example.com', 'queue.pause', 'imports', 'paused'),
    (now() - interval '8 minutes', 'jonas@example.com', 'job.retry', '48213', 'queued again, with all its attempts')`;
}

/** What its workers do in a second. */
export async function workOn(sql: Sql): Promise<void> {
  await sql`insert into soniq_stats (minute, queue, name, measure, count) select date_trunc('minute', now()), queue, name, 'completed', ceil(busy / 60 * (0.5 + random())) from kinds
    on conflict (minute, queue, name, measure, bucket) do update set count = soniq_stats.count + excluded.count`;
  await sql`with gone as (delete from soniq_jobs where queue = 'emails' and state = 'queued') insert into soniq_jobs (queue, name, payload, created_at, run_at)
    select 'emails', 'send-receipt', jsonb_build_object('orderId', 95000 + nth), now() - interval '1 second', now() - nth * interval '70 ms' from generate_series(1, (8 + 60 * random())::int) as nth`;
}

async function workers(sql: Sql): Promise<void> {
  await sql`insert into soniq_workers (id, host, pid, version, queues, started_at, beat_at, lease_expires_at, ended_at) values
    ('0191a1aa-0000-4000-8000-000000000001', 'worker-7c9f-2xkqd', 1, '0.1.0', '{"default": 20, "emails": 10, "billing": 5}', now() - interval '6 hours', now() - interval '2 seconds', now() + interval '18 days', null),
    ('0191a1aa-0000-4000-8000-000000000002', 'worker-7c9f-m4wzt', 1, '0.1.0', '{"default": 20, "emails": 10, "billing": 5}', now() - interval '6 hours', now() - interval '4 seconds', now() + interval '16 days', null),
    ('0191a1aa-0000-4000-8000-000000000003', 'imports-5d8b-q9plc', 1, '0.1.0', '{"imports": 40, "images": 8}', now() - interval '52 minutes', now() - interval '1 second', now() + interval '19 days', null),
    ('0191a1aa-0000-4000-8000-000000000004', 'worker-6b41-hh2vx', 1, '0.0.9', '{"default": 20, "emails": 10, "billing": 5}', now() - interval '31 hours', now() - interval '6 hours', now() - interval '6 hours', now() - interval '6 hours')`;
}

/** Two hours, by minute: how attempts ended, and histograms of milliseconds. */
async function statistics(sql: Sql): Promise<void> {
  await sql`create table kinds (queue text, name text, busy float8, run int, wait int, failing float8)`;
  await sql`insert into kinds values
    ('emails', 'send-receipt', 140, 8, 5, 0.012), ('billing', 'send-invoice', 46, 9, 6, 0.02), ('default', 'sync-inventory', 60, 10, 6, 0.006),
    ('images', 'resize-image', 34, 11, 7, 0.03), ('billing', 'charge-card', 22, 11, 5, 0.04), ('default', 'index-product', 90, 6, 4, 0.001)`;
  await sql`insert into soniq_stats (minute, queue, name, measure, bucket, count)
    select date_trunc('minute', now()) - nth * interval '1 minute', queue, name, measure, bucket, greatest(0, round(busy * (1 + 0.45 * sin(nth / 13.0) + 0.2 * random()) * share))
    from kinds, generate_series(1, 120) as nth, lateral (
      select 'completed' as measure, 0 as bucket, 1.0 as share
      union all select 'retried', 0, failing * (case when nth between 22 and 34 then 9 else 1 end)
      union all select 'dead', 0, failing / 6 * (case when nth between 22 and 34 then 8 else 0.4 end)
      union all select 'cancelled', 0, 0.004
      union all select 'run', run + step, (array[0.08, 0.5, 0.3, 0.09, 0.025, 0.005 * (case when nth between 22 and 34 then 6 else 1 end)])[step + 3] from generate_series(-2, 3) as step
      union all select 'wait', wait + step, (array[0.1, 0.55, 0.25, 0.08, 0.02 * (case when nth between 20 and 36 then 8 else 1 end)])[step + 3] from generate_series(-2, 2) as step
    ) as measured`;
}

async function finishedJobs(sql: Sql): Promise<void> {
  await sql`insert into soniq_jobs (queue, name, state, payload, attempt, claims, tags, created_at, run_at, claimed_at, finished_at, last_worker_id, result)
    select queue, name, case when random() < 0.02 then 'cancelled' else 'completed' end, jsonb_build_object('orderId', 90000 + nth),
      case when random() < 0.08 then 2 else 1 end, 1, case when random() < 0.15 then '["import"]' else '[]' end::jsonb,
      began - interval '2 seconds', began - interval '1.9 seconds', began - random() * interval '300 ms', began + random() * interval '900 ms',
      '0191a1aa-0000-4000-8000-000000000001', '{"messageId": "m-1"}'
    from kinds, generate_series(1, 60) as nth, lateral (select now() - nth * interval '13 seconds' - random() * interval '9 seconds' as began) as times
    order by began`;
}

async function runningJobs(sql: Sql): Promise<void> {
  await sql`insert into soniq_jobs (queue, name, state, payload, attempt, claims, created_at, run_at, claimed_at, worker_id, last_worker_id, progress)
    select queue, name, 'active', jsonb_build_object('orderId', 91000 + nth), 1, 1, now() - interval '9 seconds', now() - interval '9 seconds', now() - nth * interval '1.3 seconds', worker, worker, null
    from kinds, generate_series(1, 3) as nth,
      lateral (select case when queue = 'images' then '0191a1aa-0000-4000-8000-000000000003'::uuid when nth = 3 then '0191a1aa-0000-4000-8000-000000000002' else '0191a1aa-0000-4000-8000-000000000001' end as worker) as whose`;
}

async function waitingJobs(sql: Sql): Promise<void> {
  await sql`insert into soniq_jobs (queue, name, payload, tags, priority, created_at, run_at)
    select 'imports', 'import-products', jsonb_build_object('supplier', 'north-' || nth), '["import", "nightly"]', 7, now() - interval '41 minutes' + nth * interval '9 seconds', now() - interval '41 minutes' + nth * interval '9 seconds'
    from generate_series(1, 214) as nth`;
  await sql`insert into soniq_jobs (queue, name, payload, created_at, run_at)
    select 'emails', 'send-receipt', jsonb_build_object('orderId', 92000 + nth), now() - interval '1 second', now() - nth * interval '70 ms' from generate_series(1, 17) as nth`;
  await sql`insert into soniq_jobs (queue, name, payload, tags, created_at, run_at)
    select 'billing', 'remind-customer', jsonb_build_object('orderId', 93000 + nth), '["reminder"]', now() - interval '20 minutes', now() + nth * interval '17 minutes' from generate_series(1, 64) as nth`;
}

async function deadJobs(sql: Sql): Promise<void> {
  const stack = `TimeoutError: the mail service did not answer within 10 s
    at send (file:///app/src/mail/client.js:41:13)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
    at async sendInvoice (file:///app/src/jobs/send-invoice.js:18:21)
    at async run (file:///app/node_modules/soniq-drizzle/dist/src/worker/run.js:96:22)`;
  await sql`insert into soniq_jobs (queue, name, state, payload, attempt, max_attempts, claims, tags, created_at, run_at, claimed_at, finished_at, last_worker_id, reason, errors)
    select queue, name, 'dead', jsonb_build_object('orderId', 94000 + nth), 3, 3, 3, '[]', died - interval '20 minutes', died - interval '1 minute', died - interval '10 seconds', died, '0191a1aa-0000-4000-8000-000000000001',
      reason, jsonb_build_array(jsonb_build_object('name', error, 'message', message, 'attempt', 3, 'at', died, 'worker', '0191a1aa-0000-4000-8000-000000000001'))
    from (values
      ('billing', 'send-invoice', 47, 'out of attempts', 'TimeoutError', 'the mail service did not answer within 10 s'),
      ('images', 'resize-image', 12, 'out of attempts', 'RangeError', 'the image has 0 × 0 pixels'),
      ('billing', 'charge-card', 6, 'discarded', 'CardError', 'the card was declined'),
      ('default', 'sync-inventory', 3, 'invalid payload', 'InvalidValueError', 'payload.sku is missing')
    ) as kind (queue, name, many, reason, error, message), generate_series(1, many) as nth,
    lateral (select now() - interval '22 minutes' - nth * interval '31 seconds' as died) as times`;
  const worker = "0191a1aa-0000-4000-8000-000000000001";
  const failures = [
    ["TimeoutError", "the mail service did not answer within 10 s", "9 minutes"],
    ["TypeError", "fetch failed: getaddrinfo EAI_AGAIN mail.internal", "8 minutes 40 seconds"],
    ["TimeoutError", "the mail service did not answer within 10 s", "7 minutes"],
  ].map(([name, message, ago], i) => ({
    name,
    message,
    ago,
    attempt: i + 1,
    stack: stack.replace("TimeoutError", name ?? ""),
    worker,
  }));
  await sql`insert into soniq_jobs (queue, name, state, priority, payload, attempt, max_attempts, claims, tags, created_at, run_at, claimed_at, finished_at, last_worker_id, unique_key, unique_held, reason, meta, logs, errors)
    select 'billing', 'send-invoice', 'dead', 2, ${sql.json({
      orderId: 93184,
      customer: {
        id: 5521,
        name: "Mira Lindqvist",
        email: "mira@example.com",
        apiKey: "sk_live_51",
        address: { city: "Malmö", zip: "211 20", country: "SE" },
      },
      lines: [
        { sku: "LAMP-04", title: "Desk lamp, brass", quantity: 2, price: 129.5 },
        { sku: "CABLE-2M", title: "Cable, 2 m", quantity: 1, price: 9 },
      ],
      giftWrapped: false,
      note: null,
    })}, 3, 3, 3, '["import", "vip"]', now() - interval '9 minutes 14 seconds', now() - interval '7 minutes 12 seconds', now() - interval '7 minutes 10 seconds', now() - interval '7 minutes',
      ${worker}, 'send-invoice:{"orderId":93184}', false, 'out of attempts: the mail service did not answer within 10 s', '{"requestId": "req_8f21c0", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}',
      jsonb_build_array(
        jsonb_build_object('at', now() - interval '7 minutes 10 seconds', 'attempt', 3, 'message', 'rendering', 'fields', jsonb_build_object('template', 'invoice-se', 'pages', 2)),
        jsonb_build_object('at', now() - interval '7 minutes 9 seconds', 'attempt', 3, 'message', 'mailing'),
        jsonb_build_object('at', now() - interval '7 minutes', 'attempt', 3, 'message', 'no answer', 'fields', jsonb_build_object('host', 'mail.internal', 'waitedMs', 10000))),
      (select jsonb_agg(failure || jsonb_build_object('at', now() - (failure ->> 'ago')::interval)) from jsonb_array_elements(${sql.json(failures)}) as failure)`;
}

async function schedules(sql: Sql): Promise<void> {
  await sql`insert into soniq_schedules (name, cron, every_ms, time_zone, job_name, next_run_at, last_tick_at, last_job_id, paused_at, orphaned_at) values
    ('nightly-report', '0 2 * * *', null, 'Europe/Berlin', 'report', now() + interval '9 hours', now() - interval '15 hours', 412, null, null),
    ('remind-customers', '0 9 * * 1-5', null, 'Europe/Stockholm', 'remind-customer', now() + interval '17 hours', now() - interval '7 hours', 377, null, null),
    ('sync-inventory', null, 300000, 'UTC', 'sync-inventory', now() + interval '2 minutes', now() - interval '3 minutes', 402, null, null),
    ('close-month', '0 4 1 * *', null, 'UTC', 'close-month', now() + interval '4 days', now() - interval '26 days', null, now() - interval '2 days', null),
    ('weekly-digest', '30 7 * * 1', null, 'UTC', 'send-digest', now() + interval '3 days', now() - interval '4 days', null, null, now() - interval '1 day')`;
}

async function endpoints(sql: Sql): Promise<void> {
  await sql`insert into soniq_webhook_endpoints (id, url, description, events, failures, open_until, paused_at, paused_reason) values
    ('0191a1aa-0000-4000-8000-00000000000a', 'https://hooks.warehouse.example/soniq', 'Warehouse', '["order.placed", "order.cancelled"]', 0, null, null, null),
    ('0191a1aa-0000-4000-8000-00000000000b', 'https://crm.example/api/webhooks/orders', 'CRM', '[]', 12, now() + interval '4 minutes', null, null),
    ('0191a1aa-0000-4000-8000-00000000000c', 'https://old-partner.example/hook', 'Partner until 2025', '["order.placed"]', 0, null, now() - interval '9 days', 'the receiver says that it is gone (410)')`;
  await sql`insert into soniq_jobs (queue, name, state, payload, attempt, claims, created_at, run_at, claimed_at, finished_at, result, errors)
    select 'soniq.webhooks', 'soniq.webhook', 'completed', jsonb_build_object('endpoint', '0191a1aa-0000-4000-8000-00000000000a', 'message', 'msg_' || nth, 'event', 'order.placed', 'data', '{}'::jsonb), 1, 1,
      now() - nth * interval '3 minutes', now() - nth * interval '3 minutes', now() - nth * interval '3 minutes', now() - nth * interval '3 minutes' + interval '120 ms',
      '{"status": 200, "durationMs": 84, "excerpt": "ok"}', '[]'
    from generate_series(1, 12) as nth`;
}
