import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidValueError, pathText } from "../core/errors.js";
import { secretName } from "../core/secret-name.js";

/**
 * Runs a Standard Schema validator. Nothing is waited for where it answers at once, as nearly all do.
 *
 * @param what names the value in the error, such as `payload`
 * @returns the validator's output
 * @throws InvalidValueError with the path and message of the first issue; of a secret field, without the message
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
  // Its message may quote the value, and is kept with the job.
  const isSecret = path.some((key) => secretName.test(String(key)));
  const why = isSecret ? undefined : first?.message;
  throw new InvalidValueError(what + pathText(path), `is not valid: ${why ?? "its validator says no"}`);
}
