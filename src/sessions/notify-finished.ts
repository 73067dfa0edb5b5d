import { sql } from "drizzle-orm";
import { oneRow } from "../core/fragments.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { finishedChannel } from "./doorbell.js";

/** The maximum number of ids that fit into one notification, which is limited to 8,000 bytes. */
export const maxNotifiedJobs = 400;

/** Notifies the processes that wait for results that these jobs have finished. */
export async function notifyFinished(db: Queryable, ids: readonly number[]): Promise<void> {
  await builder(db)
    .select({ notified: sql`pg_notify(${finishedChannel}, ${ids.join()}) is null` })
    .from(oneRow);
}
