import { inArray, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { builder } from "../../core/builder.js";
import type { Queryable } from "../../core/queryable.js";
import { parseJson } from "../row/job-row.js";

/** Longer payloads are not read: a page has up to 1,000 jobs, and a payload up to 1 MiB. */
const maxCharacters = 65_536;

/** Reads the payloads of a few jobs. @returns the payloads of at most 65,536 characters, by job id */
export async function readPayloads(db: Queryable, ids: readonly number[]): Promise<ReadonlyMap<number, unknown>> {
  if (ids.length === 0) return new Map();
  const rows = await builder(db)
    .select({ id: soniqJobs.id, payload: sql<string>`${soniqJobs.payload}::text` })
    .from(soniqJobs)
    .where(sql`${inArray(soniqJobs.id, [...ids])} and length(${soniqJobs.payload}::text) <= ${maxCharacters}`);
  return new Map(rows.map(({ id, payload }) => [id, parseJson(payload)]));
}
