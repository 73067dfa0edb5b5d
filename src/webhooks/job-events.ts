import * as v from "valibot";
import type { EventDefinition } from "./define-event.js";

/** The data of a job event, without the job's payload and result. */
const jobEventData = v.object({
  id: v.number(),
  name: v.string(),
  queue: v.string(),
  attempt: v.number(),
  maxAttempts: v.number(),
  /** Why the job was cancelled or died. */
  reason: v.nullable(v.string()),
  /** The message of the last attempt's error. */
  error: v.nullable(v.string()),
});

/** The data of the events that {@link jobCompleted}, {@link jobRetried} … define. */
export type JobEventData = v.InferOutput<typeof jobEventData>;

const defineJobEvent = <Name extends string>(name: Name): EventDefinition<Name, JobEventData, JobEventData> =>
  Object.freeze({ kind: "event", name, payload: jobEventData });

/** A job completed. */
export const jobCompleted = defineJobEvent("job.completed");
/** An attempt failed, and the job will be retried. */
export const jobRetried = defineJobEvent("job.retried");
/**
 * A settle turned a job into a dead letter. A rescue publishes no event when it ends a job, after crashes of its
 * workers or past its deadline.
 */
export const jobDead = defineJobEvent("job.dead");
/** A job was cancelled while it ran, or by its handler. A rescue publishes no event when it ends a job. */
export const jobCancelled = defineJobEvent("job.cancelled");

/** All events of jobs. */
export const jobEvents = [jobCompleted, jobRetried, jobDead, jobCancelled] as const;
