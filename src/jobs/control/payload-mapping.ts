import { and, eq, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { splitIntoBatches } from "../../core/batches.js";
import { anyId, builder } from "../../core/builder.js";
import { InvalidValueError } from "../../core/errors.js";
import { toJson } from "../../core/json.js";
import type { Queryable } from "../../core/queryable.js";
import type { JobDefinition } from "../definition/define-job.js";
import { validate } from "../definition/validate.js";

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

/** A payload that takes the place of the stored one. */
export interface MappedPayload {
  readonly json: string;
  /** How often the job had been retried when its payload was read: it counts for that life alone. */
  readonly manualRetries: number;
}

/**
 * Makes the payloads of some jobs anew, as many at a time as one statement may carry.
 *
 * @param failed called for each job whose new payload could not be made, or is not valid
 */
export async function* mapPayloads<In, Old>(
  db: Queryable,
  ids: readonly number[],
  { job, payload: map }: PayloadMapping<In, Old>,
  failed: (id: number, error: unknown) => void,
): AsyncGenerator<ReadonlyMap<number, MappedPayload>> {
  const sizes = await builder(db)
    .select({ id: soniqJobs.id, bytes: sql<number>`octet_length(${soniqJobs.payload}::text)` })
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.id} = ${anyId(ids)}`, eq(soniqJobs.name, job.name)))
    .orderBy(soniqJobs.id);
  for (const some of splitIntoBatches(sizes, sizes.length, ({ bytes }) => bytes)) {
    const mapped = [
      ...(await mapSome(
        db,
        some.map(({ id }) => id),
        { job, payload: map },
        failed,
      )),
    ];
    // What a mapping makes may be longer than what it was given.
    for (const batch of splitIntoBatches(mapped, mapped.length, ([, { json }]) => Buffer.byteLength(json))) yield new Map(batch);
  }
}

async function mapSome<In, Old>(
  db: Queryable,
  ids: readonly number[],
  { job, payload: map }: PayloadMapping<In, Old>,
  failed: (id: number, error: unknown) => void,
): Promise<Map<number, MappedPayload>> {
  const stored = await builder(db)
    .select({
      id: soniqJobs.id,
      manualRetries: soniqJobs.manualRetries,
      payload: sql<string>`${soniqJobs.payload}::text`,
    })
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.id} = ${anyId(ids)}`, eq(soniqJobs.name, job.name)));
  const mapped = new Map<number, MappedPayload>();
  for (const row of stored) {
    try {
      const payload = map(JSON.parse(row.payload) as Old, row.id);
      const json = toJson(payload, "payload");
      await validate(job.payload, payload, "payload");
      mapped.set(row.id, { json, manualRetries: row.manualRetries });
    } catch (error) {
      failed(row.id, error instanceof InvalidValueError ? error.of(`job ${job.name} #${row.id}`) : error);
    }
  }
  return mapped;
}
