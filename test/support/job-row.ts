import { eq } from "drizzle-orm";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { soniqJobs } from "../../schema/index.ts";

export type JobRow = typeof soniqJobs.$inferSelect;

/** A job as it is stored, undefined once it is gone. */
export async function jobRow(db: PostgresJsDatabase, id: number): Promise<JobRow | undefined> {
  const [job] = await db.select().from(soniqJobs).where(eq(soniqJobs.id, id));
  return job;
}
