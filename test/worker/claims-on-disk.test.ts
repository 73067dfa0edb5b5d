// What is answered before it is on disk. A claim that a crash of PostgreSQL takes back was never counted, so a job that
// brings PostgreSQL down must not go on without end.
import * as v from "valibot";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { defineJob, enqueue, type WorkerConfig } from "../../src/index.ts";
import { migrate } from "../../src/database/migrate.ts";
import { testDatabase } from "../support/database.ts";
import { startEmbeddedPostgres } from "../support/embedded-postgres.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const job = defineJob({ name: "work", payload: v.null(), run: () => {} });
const config = { connection: url, jobs: { job }, handlers: {} } satisfies WorkerConfig;

/** Has each change of a job keep what `synchronous_commit` was. */
const watch = (on: Sql) =>
  on.unsafe(`
    create table seen (job_id bigint, state text, synchronous_commit text);
    create function see() returns trigger language plpgsql as $$ begin
      insert into seen values (new.id, new.state, current_setting('synchronous_commit'));
      return new;
    end $$;
    create trigger see before update on soniq_jobs for each row execute function see()`);
beforeAll(() => watch(sql));

const seen = async (id: number, on = sql) => {
  const rows = await on<
    { state: string; synchronous_commit: string }[]
  >`select state, synchronous_commit from seen where job_id = ${id}`;
  return Object.fromEntries(rows.map((row) => [row.state, row.synchronous_commit]));
};

test("a claim is answered before it is on disk, and a settle is not", async () => {
  const worker = await startWorker(config);
  const { id } = await enqueue(db, job, null);
  await worker.settled(id, "completed");
  expect(await seen(id)).toEqual({ active: "off", completed: "on" });
});

test("claims wait for the disk where the worker was cut off lately, as by a crash", async () => {
  const worker = await startWorker(config);
  const [listener] = await sql<{ ended: boolean }[]>`
    select pg_terminate_backend(pid, 5000) as ended from pg_stat_activity
    where datname = current_database() and query like 'listen %'`;
  expect(listener?.ended).toBe(true);
  const claimed = async () => {
    const { id } = await enqueue(db, job, null);
    await worker.settled(id, "completed");
    return (await seen(id))["active"];
  };
  // Until it has noticed.
  await until(async () => (await claimed()) === "on");
  await until(async () => worker.worker.health().state === "working");
  expect(await claimed()).toBe("on");
});

test("claims wait for the disk where a synchronous standby is asked for", async () => {
  // There is none: who waited for it would wait for ever.
  const server = await startEmbeddedPostgres({ synchronous_standby_names: "some", synchronous_commit: "local" });
  const client = postgres(server.url, { max: 2, onnotice: () => {} });
  onTestFinished(async () => {
    await client.end();
    await server.stop();
  });
  const replicated = drizzle({ client });
  await migrate(replicated);
  await watch(client);
  const worker = await startWorker({ ...config, connection: server.url });
  const { id } = await enqueue(replicated, job, null);
  await worker.settled(id, "completed");
  expect(await seen(id, client)).toEqual({ active: "local", completed: "local" });
  await worker.worker.stop();
});
