import { and, eq, sql } from "drizzle-orm";
import { soniqJobs } from "../../../schema/jobs.js";
import { splitIntoBatches } from "../../core/batches.js";
import { anyId, builder } from "../../core/builder.js";
import { InvalidValueError } from "../../core/errors.js";
import { toJson } from "../../core/json.js";
import type { Queryable } from "../../core/queryable.js";
import type { JobDefinition } from "../definition/define-job.js";
import { validate } from "../definition/validate.js";

/** Replaces the payloads of a job's dead letters. */
export interface PayloadMapping<In, Old = unknown> {
  /** The job whose dead letters are mapped. Dead letters of other jobs do not change. */
  readonly job: JobDefinition<string, In>;
  /**
   * Receives a stored payload, and returns its replacement, which the job's validator checks. The stored payload may be the one
   * that the validator rejected, so its type is unknown: annotate the parameter with the type that you expect.
   */
  readonly payload: (old: Old, id: number) => NoInfer<In>;
}

/** The replacement of a stored payload. */
export interface MappedPayload {
  readonly json: string;
  /**
   * The job's `manualRetries` when its payload was read. If the number has changed, somebody else has retried the job, and the
   * mapping no longer applies.
   */
  readonly manualRetries: number;
}

/**
 * Maps the payloads of jobs, in batches that fit into one statement.
 *
 * @param onFailure called for each job whose mapping throws, or whose new payload is not valid
 */
export async function* mapPayloads<In, Old>(
  db: Queryable,
  ids: readonly number[],
  { job, payload: map }: PayloadMapping<In, Old>,
  onFailure: (id: number, error: unknown) => void,
): AsyncGenerator<ReadonlyMap<number, MappedPayload>> {
  const sizes = await builder(db)
    .select({ id: soniqJobs.id, bytes: sql<number>`octet_length(${soniqJobs.payload}::text)` })
    .from(soniqJobs)
    .where(and(sql`${soniqJobs.id} = ${anyId(ids)}`, eq(soniqJobs.name, job.name)))
    .orderBy(soniqJobs.id);
  for (const group of splitIntoBatches(sizes, sizes.length, ({ bytes }) => bytes)) {
    const mapped = [
      ...(await mapBatch(
        db,
        group.map(({ id }) => id),
        { job, payload: map },
        onFailure,
      )),
    ];
    // A mapped payload may be longer than the stored payload.
    for (const batch of splitIntoBatches(mapped, mapped.length, ([, { json }]) => Buffer.byteLength(json)))
      yield new Map(batch);
  }
}

async function mapBatch<In, Old>(
  db: Queryable,
  ids: readonly number[],
  { job, payload: map }: PayloadMapping<In, Old>,
  onFailure: (id: number, error: unknown) => void,
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
      onFailure(row.id, error instanceof InvalidValueError ? error.of(`job ${job.name} #${row.id}`) : error);
    }
  }
  return mapped;
}
