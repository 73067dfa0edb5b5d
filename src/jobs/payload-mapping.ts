import { and, eq, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { anyId, builder } from "../core/builder.js";
import { InvalidValueError } from "../core/errors.js";
import { toJson } from "../core/json.js";
import type { Queryable } from "../core/queryable.js";
import type { JobDefinition } from "./define-job.js";
import { validate } from "./validate.js";

/** How to make the payloads of a job's dead letters anew. */
export interface PayloadMapping<In, Old = unknown> {
  /** Whose dead letters: those of other jobs are not touched. */
  readonly job: JobDefinition<string, In>;
  /**
   * Gets a stored payload, and returns the one that takes its place; the job's validator checks it. Nobody knows what was
   * stored, it may be what the validator refused: annotate the parameter to say what it should be.
   */
  readonly payload: (old: Old, id: number) => NoInfer<In>;
}

/** By the jobs' ids, as JSON texts. */
export interface MappedPayloads {
  readonly name: string | undefined;
  readonly payloads: string;
  /** How often each had been replayed when its payload was read: it counts for that life alone. */
  readonly replays: string;
}

/** Makes the payloads of some jobs anew. @param failed is told whose new payload could not be made, or is not valid */
export async function mapPayloads<In, Old>(
  db: Queryable,
  ids: readonly number[],
  { job, payload: map }: PayloadMapping<In, Old>,
  failed: (id: number, error: unknown) => void,
): Promise<MappedPayloads> {
  const stored = await builder(db)
    .select({ id: soniqJobs.id, replays: soniqJobs.replays, payload: sql<string>`${soniqJobs.payload}::text` })
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.id} = ${anyId(ids)}`, eq(soniqJobs.name, job.name)));
  const payloads: string[] = [];
  const replays: Record<string, number> = {};
  for (const row of stored) {
    try {
      const payload = map(JSON.parse(row.payload) as Old, row.id);
      const json = toJson(payload, "payload");
      await validate(job.payload, payload, "payload");
      payloads.push(`"${row.id}":${json}`);
      replays[row.id] = row.replays;
    } catch (error) {
      failed(row.id, error instanceof InvalidValueError ? error.of(`job ${job.name} #${row.id}`) : error);
    }
  }
  return { name: job.name, payloads: `{${payloads.join()}}`, replays: JSON.stringify(replays) };
}
