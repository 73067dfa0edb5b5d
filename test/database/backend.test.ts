import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { afterAll, expect, test } from "vitest";
import { boundTransaction, cancelStatement } from "../../src/database/backend.ts";
import { testDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";

const { db, url, sql } = await testDatabase({ migrated: false });
const client = postgres(url, { max: 1, onnotice: () => {} });
const other = drizzle({ client });
afterAll(() => client.end({ timeout: 1 }));

const sleeps = async (pid: number) =>
  (await sql`select from pg_stat_activity where pid = ${pid} and state = 'active' and query like '%pg_sleep%'`).length >
  0;

test("a cancellation meets the transaction that it is for, and no later one of the same backend", async () => {
  const past = await other.transaction((tx) => boundTransaction(tx, 60_000, 60_000));
  let outcome = "none";
  const running = other.transaction(async (tx) => {
    const now = await boundTransaction(tx, 60_000, 60_000);
    expect(now.pid).toBe(past.pid);
    const sleeping = tx.execute("select pg_sleep(60)").then(
      () => (outcome = "slept"),
      () => (outcome = "cancelled"),
    );
    await until(() => sleeps(now.pid));
    await cancelStatement(db, past);
    expect(await sleeps(now.pid)).toBe(true);
    await cancelStatement(db, now);
    await sleeping;
  });
  await running.catch(() => {});
  expect(outcome).toBe("cancelled");
});
