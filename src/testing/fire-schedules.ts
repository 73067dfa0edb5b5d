import { sql } from "drizzle-orm";
import type { Queryable } from "../core/queryable.js";
import { fetchRows } from "../core/fetch-rows.js";
import { computeDueTicks } from "../schedules/due-ticks.js";
import { fireTicks } from "../schedules/fire-ticks.js";
import type { StoredSchedule } from "../schedules/stored-schedule.js";
import { findUpcoming } from "../schedules/find-upcoming.js";
import { syncSchedules } from "../schedules/sync-schedules.js";

/** The setting that stores how far this transaction has travelled, in milliseconds. */
const travelSetting = "soniq_drizzle.travelled_ms";
const travelledMs = sql.raw(`coalesce(nullif(current_setting('${travelSetting}', true), '')::float8, 0)`);
const maxSchedules = 100_000;

/** Remembers how far the transaction has travelled, for schedules that are stored later. */
export async function rememberTravel(tx: Queryable, ms: number): Promise<void> {
  await fetchRows(
    tx,
    sql`select set_config('${sql.raw(travelSetting)}', (${travelledMs} + ${ms}::float8)::text, true)`,
  );
}

/**
 * Fires the due ticks of schedules, as a worker would. A new schedule counts as defined when the transaction began, so the time that
 * the test has travelled since then applies to it, too.
 *
 * @param schedules the schedules of the test's session
 */
export async function fireSchedules(tx: Queryable, schedules: readonly StoredSchedule[]): Promise<void> {
  const [start] = await fetchRows<{ ms: number | string }>(
    tx,
    sql`select floor(extract(epoch from now()) * 1000 - ${travelledMs})::float8 as ms`,
  );
  await syncSchedules(tx, schedules, { definedAtMs: Number(start?.ms) });
  const ownNames = new Set(schedules.map(({ name }) => name));
  for (;;) {
    const upcoming = await findUpcoming(tx, { limit: maxSchedules });
    const due = upcoming.filter(({ name, nextMs, nowMs }) => ownNames.has(name) && nextMs <= nowMs);
    if (due.length === 0) return;
    await fireTicks(
      tx,
      due.map((schedule) => ({ schedule, ...computeDueTicks(schedule) })),
    );
  }
}
