import type { Queryable } from "../core/queryable.js";
import type { JobDefinition, PayloadOutput, ResultInput } from "./define-job.js";
import type { HandlerFunction } from "./job-context.js";

/** A handler bound to its definition, made by {@link handler}. */
export interface Handler<J extends JobDefinition = JobDefinition, Tx = Queryable> {
  readonly job: J;
  // oxlint-disable-next-line no-explicit-any -- typed where it is made
  readonly run: HandlerFunction<any, any, Tx>;
}

/** Types a handler that lives in a file of its own; goes into the configuration's `handlers`. */
export function handler<J extends JobDefinition, Tx = Queryable>(
  job: J,
  run: HandlerFunction<PayloadOutput<J>, ResultInput<J>, Tx>,
): Handler<J, Tx> {
  return { job, run };
}
