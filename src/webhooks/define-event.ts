import type { StandardSchemaV1 } from "@standard-schema/spec";
import { checkObject, InvalidValueError, describeValue } from "../core/errors.js";
import { parseText } from "../core/json.js";
import { isDefinition } from "../jobs/definition/define-job.js";
import type { JsonSafeInput } from "../jobs/definition/json-safety.js";

/**
 * An event definition, created by {@link defineEvent}. `In` is the payload that is published and sent; `Out` is the
 * payload as a receiver's validator returns it.
 */
// oxlint-disable-next-line no-explicit-any -- "any event definition" needs parameters that match in both directions
export interface EventDefinition<Name extends string = string, In = any, Out = any> {
  /** Distinguishes this definition from that of a job. */
  readonly kind: "event";
  readonly name: Name;
  readonly payload: StandardSchemaV1<In, Out>;
}

/**
 * Defines an event for webhooks: a name and a payload validator. Publishers and receivers share the definition.
 *
 * @param definition `name`, such as `order.paid`; `payload` is a Standard Schema validator (Valibot, Zod, ArkType …).
 *   Webhooks carry the validator's input, unchanged: prefer strict objects
 * @throws InvalidValueError if the name cannot be stored, or begins with `job.`, which is reserved for the events of
 *   jobs
 */
export function defineEvent<const Name extends string, S extends StandardSchemaV1>(definition: {
  readonly name: Name;
  readonly payload: S & JsonSafeInput<S, "payload">;
}): EventDefinition<Name, StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>> {
  checkObject(definition, "definition", "give an object with a name and a validator, `payload`");
  const { name } = definition;
  parseText(name, "name", 200);
  if (name.startsWith("job."))
    throw new InvalidValueError(
      "name",
      `is "${name}": the prefix "job." is reserved for the events of jobs, choose another name`,
    );
  return Object.freeze({ ...definition, kind: "event" });
}

/** @throws InvalidValueError if the value is not an event definition, but for example that of a job */
export function checkEventDefinition(value: unknown, path: string): asserts value is EventDefinition {
  if (isDefinition(value, "event")) return;
  const problem = isDefinition(value, "job")
    ? `is the job ${value.name}: pass it to enqueue(db, job, payload)`
    : `is ${describeValue(value)}: pass what defineEvent({ … }) returned`;
  throw new InvalidValueError(path, problem);
}
