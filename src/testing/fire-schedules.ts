import { sql } from "drizzle-orm";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/rows.js";
import { dueTicks } from "../schedules/due-ticks.js";
import { fireTicks } from "../schedules/fire.js";
import type { StoredSchedule } from "../schedules/stored-schedule.js";
import { findUpcoming } from "../schedules/upcoming.js";
import { syncSchedules } from "../schedules/versions.js";

/** For this transaction: how far it has travelled, in milliseconds. */
const travelled = "soniq_drizzle.travelled_ms";
const travelledMs = sql.raw(`coalesce(nullif(current_setting('${travelled}', true), '')::float8, 0)`);
const maxSchedules = 100_000;

/** Remembers that the transaction has travelled, for the schedules that it does not have yet. */
export async function rememberTravel(tx: Queryable, ms: number): Promise<void> {
  await fetchRows(tx, sql`select set_config('${sql.raw(travelled)}', (${travelledMs} + ${ms}::float8)::text, true)`);
}

/**
 * Fires the ticks of schedules that are due, as a worker would. A schedule that was never seen counts as defined when the
 * transaction began: what it has travelled since has passed for it, too.
 *
 * @param schedules those of the test's session
 */
export async function fireSchedules(tx: Queryable, schedules: readonly StoredSchedule[]): Promise<void> {
  const [began] = await fetchRows<{ ms: number | string }>(
    tx,
    sql`select floor(extract(epoch from now()) * 1000 - ${travelledMs})::float8 as ms`,
  );
  await syncSchedules(tx, schedules, { definedAtMs: Number(began?.ms) });
  const own = new Set(schedules.map(({ name }) => name));
  for (;;) {
    const found = await findUpcoming(tx, { limit: maxSchedules });
    const due = found.filter(({ name, nextMs, nowMs }) => own.has(name) && nextMs <= nowMs);
    if (due.length === 0) return;
    await fireTicks(
      tx,
      due.map((schedule) => ({ schedule, ...dueTicks(schedule) })),
    );
  }
}
