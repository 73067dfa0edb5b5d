import type { StandardSchemaV1 } from "@standard-schema/spec";
import { checkObject, InvalidValueError, describeValue } from "../core/errors.js";
import { parseText } from "../core/json.js";
import { isDefinition } from "../jobs/definition/define-job.js";
import type { JsonSafeInput } from "../jobs/definition/json-safety.js";

/** An event definition, made by {@link defineEvent}: `In` is what is published and sent, `Out` what a receiver gets of it. */
// oxlint-disable-next-line no-explicit-any -- "any event definition" needs parameters that match in both directions
export interface EventDefinition<Name extends string = string, In = any, Out = any> {
  /** What tells it from the definition of a job. */
  readonly kind: "event";
  readonly name: Name;
  readonly payload: StandardSchemaV1<In, Out>;
}

/**
 * Defines an event that webhooks tell of: a name and a validator, for those who publish it and those who receive it.
 *
 * @param definition `name`, such as `order.paid`; `payload` is a Standard Schema validator (Valibot, Zod, ArkType …). What is
 *   sent is the validator's input, unchanged: prefer strict objects
 * @throws InvalidValueError for a name that cannot be stored, or is one of those that begin with `job.`, which are kept for jobs
 */
export function defineEvent<const Name extends string, S extends StandardSchemaV1>(definition: {
  readonly name: Name;
  readonly payload: S & JsonSafeInput<S, "payload">;
}): EventDefinition<Name, StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>> {
  checkObject(definition, "definition", "give an object with a name and a validator, `payload`");
  const { name } = definition;
  parseText(name, "name", 200);
  if (name.startsWith("job.")) throw new InvalidValueError("name", `is "${name}": job.… are the events of jobs`);
  return Object.freeze({ ...definition, kind: "event" });
}

/** @throws InvalidValueError for what is no definition of an event, such as that of a job */
export function checkEventDefinition(value: unknown, path: string): asserts value is EventDefinition {
  if (isDefinition(value, "event")) return;
  const problem = isDefinition(value, "job")
    ? `is the job ${value.name}: pass it to enqueue(db, job, payload)`
    : `is ${describeValue(value)}: pass what defineEvent({ … }) returned`;
  throw new InvalidValueError(path, problem);
}
