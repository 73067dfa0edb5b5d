import { sql } from "drizzle-orm";
import { oneRow } from "../core/fragments.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { finishedChannel } from "./doorbell.js";

/** As many as one notification has room for: 8,000 bytes. */
export const maxToldAtOnce = 400;

/** Tells those who wait for the results of these jobs that they have finished. */
export async function notifyFinished(db: Queryable, ids: readonly number[]): Promise<void> {
  await builder(db)
    .select({ told: sql`pg_notify(${finishedChannel}, ${ids.join()}) is null` })
    .from(oneRow);
}
