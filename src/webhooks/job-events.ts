import * as v from "valibot";
import type { EventDefinition } from "./define-event.js";

/** What is told of a job; its payload and result are not. */
const jobEventData = v.object({
  id: v.number(),
  name: v.string(),
  queue: v.string(),
  attempt: v.number(),
  maxAttempts: v.number(),
  /** Why it was cancelled or died. */
  reason: v.nullable(v.string()),
  /** What its last attempt failed with. */
  error: v.nullable(v.string()),
});

/** What is told of a job, in the events that {@link jobCompleted}, {@link jobRetried} … define. */
export type JobEventData = v.InferOutput<typeof jobEventData>;

const jobEvent = <Name extends string>(name: Name): EventDefinition<Name, JobEventData, JobEventData> =>
  Object.freeze({ kind: "event", name, payload: jobEventData });

/** A job is completed. */
export const jobCompleted = jobEvent("job.completed");
/** An attempt failed, and the job is tried again. */
export const jobRetried = jobEvent("job.retried");
/** A job has become a dead letter as it was settled: not one that a rescue ended, after crashes of its workers or past its deadline. */
export const jobDead = jobEvent("job.dead");
/** A job was cancelled while it ran, or by its handler: not one that a rescue ended. */
export const jobCancelled = jobEvent("job.cancelled");

/** All of them. */
export const jobEvents = [jobCompleted, jobRetried, jobDead, jobCancelled] as const;
