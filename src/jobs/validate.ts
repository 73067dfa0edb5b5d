import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidValueError, pathText } from "../core/errors.js";

/**
 * Runs a Standard Schema validator. Nothing is waited for where it answers at once, as nearly all do.
 *
 * @param what names the value in the error, such as `payload`
 * @returns the validator's output
 * @throws InvalidValueError with the path and message of the first issue
 */
export function validate<Out>(
  validator: StandardSchemaV1<unknown, Out>,
  value: unknown,
  what: string,
): Out | Promise<Out> {
  const checked = validator["~standard"].validate(value);
  return "then" in checked ? Promise.resolve(checked).then((later) => outputOf(later, what)) : outputOf(checked, what);
}

function outputOf<Out>(checked: StandardSchemaV1.Result<Out>, what: string): Out {
  if (!checked.issues) return checked.value;
  const [first] = checked.issues;
  const path = first?.path?.map((segment) => (typeof segment === "object" ? segment.key : segment)) ?? [];
  throw new InvalidValueError(what + pathText(path), `is not valid: ${first?.message ?? "its validator says no"}`);
}
