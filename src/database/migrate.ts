import { sql } from "drizzle-orm";
import { oneRow } from "../core/fragments.js";
import { pgTable, text, timestamp } from "drizzle-orm/pg-core";
import { builder } from "../core/builder.js";
import { MigrationError } from "../core/errors.js";
import { runGuardedTransaction } from "../core/guarded-transaction.js";
import type { Queryable } from "../core/queryable.js";
import { migrations } from "./migrations.js";

/** What was applied. A table of its own: drizzle's ledger is the application's. */
const ledger = pgTable("soniq_migrations", {
  name: text("name").primaryKey(),
  appliedAt: timestamp("applied_at", { withTimezone: true }).notNull().defaultNow(),
});

/** Any number that nothing else in the database locks: whoever migrates at the same time waits for it. */
const lockKey = 7_664_891_205;

/**
 * Applies this package's own migrations, all or none: for those who do not have drizzle-kit migrate the tables with
 * theirs. Safe to call from many processes at once.
 *
 * @param db any Drizzle PostgreSQL database
 * @returns the names of the migrations that were applied now
 * @throws MigrationError if the tables are there, but not from these migrations
 */
export async function migrate(db: Queryable): Promise<string[]> {
  return runGuardedTransaction(db, async (tx) => {
    // Whoever waits for the lock must see what the one before has applied.
    await tx.execute(sql`set transaction isolation level read committed`);
    await tx.execute(sql`set local lock_timeout = 0`);
    await tx.execute(sql`set local statement_timeout = 0`);
    await tx.execute(sql`select pg_advisory_xact_lock(${sql.raw(String(lockKey))})`);
    await tx.execute(
      sql`create table if not exists ${ledger} (name text primary key, applied_at timestamptz not null default now())`,
    );
    const applied = new Set((await builder(tx).select({ name: ledger.name }).from(ledger)).map(({ name }) => name));
    if (applied.size === 0) await refuseForeignTables(tx);
    const pending = Object.entries(migrations).filter(([name]) => !applied.has(name));
    for (const [name, script] of pending) {
      for (const statement of script.split("--> statement-breakpoint")) await tx.execute(sql.raw(statement));
      await builder(tx).insert(ledger).values({ name });
    }
    return pending.map(([name]) => name);
  });
}

async function refuseForeignTables(tx: Queryable): Promise<void> {
  const [found] = await builder(tx)
    .select({ there: sql<boolean>`to_regclass('soniq_jobs') is not null` })
    .from(oneRow);
  if (found?.there) {
    throw new MigrationError(
      "the job tables are there already, made by other migrations: if your schema exports soniq-drizzle/schema, migrate with drizzle-kit alone",
    );
  }
}
