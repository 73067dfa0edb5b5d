import { sql } from "drizzle-orm";
import { oneRow } from "../core/fragments.js";
import { pgTable, text, timestamp } from "drizzle-orm/pg-core";
import { builder } from "../core/builder.js";
import { MigrationError } from "../core/errors.js";
import { runGuardedTransaction } from "../core/guarded-transaction.js";
import type { Queryable } from "../core/queryable.js";
import { migrations } from "./migrations.js";

/** The applied migrations. This is a separate table, because drizzle's own ledger belongs to the application. */
const ledger = pgTable("soniq_migrations", {
  name: text("name").primaryKey(),
  appliedAt: timestamp("applied_at", { withTimezone: true }).notNull().defaultNow(),
});

/**
 * The key of an advisory lock that serializes concurrent migrations. Any number works that nothing else in the database locks.
 */
const lockKey = 7_664_891_205;

/**
 * Applies this package's own migrations, all or none. Use it if drizzle-kit does not migrate these tables with the application's. Many
 * processes may call it at the same time.
 *
 * @param db any Drizzle PostgreSQL database
 * @returns the names of the migrations that this call applied
 * @throws MigrationError if other migrations created the tables
 */
export async function migrate(db: Queryable): Promise<string[]> {
  return runGuardedTransaction(db, async (tx) => {
    // After it waited for the lock, this transaction must see the migrations that another process has applied.
    await tx.execute(sql`set transaction isolation level read committed`);
    await tx.execute(sql`set local lock_timeout = 0`);
    await tx.execute(sql`set local statement_timeout = 0`);
    await tx.execute(sql`select pg_advisory_xact_lock(${sql.raw(String(lockKey))})`);
    await tx.execute(
      sql`create table if not exists ${ledger} (name text primary key, applied_at timestamptz not null default now())`,
    );
    const applied = new Set((await builder(tx).select({ name: ledger.name }).from(ledger)).map(({ name }) => name));
    if (applied.size === 0) await assertNoForeignTables(tx);
    const pending = Object.entries(migrations).filter(([name]) => !applied.has(name));
    for (const [name, script] of pending) {
      for (const statement of script.split("--> statement-breakpoint")) await tx.execute(sql.raw(statement));
      await builder(tx).insert(ledger).values({ name });
    }
    return pending.map(([name]) => name);
  });
}

async function assertNoForeignTables(tx: Queryable): Promise<void> {
  const [found] = await builder(tx)
    .select({ exists: sql<boolean>`to_regclass('soniq_jobs') is not null` })
    .from(oneRow);
  if (found?.exists) {
    throw new MigrationError(
      "the job tables already exist, created by other migrations: if your schema exports soniq-drizzle/schema, migrate with drizzle-kit alone",
    );
  }
}
