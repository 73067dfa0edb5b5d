import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidValueError, pathText } from "../core/errors.js";
import { secretName } from "../core/secret-name.js";

/** What a validator makes of a value: its output, or why it refuses. */
export type Validated<Out> = { readonly value: Out } | { readonly refused: InvalidValueError };

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
  const checked = check(validator, value, what);
  return checked instanceof Promise ? checked.then(outputOf) : outputOf(checked);
}

/** The same, but a refusal is returned: what is thrown, the validator itself has failed with. */
export function check<Out>(
  validator: StandardSchemaV1<unknown, Out>,
  value: unknown,
  what: string,
): Validated<Out> | Promise<Validated<Out>> {
  const checked = validator["~standard"].validate(value);
  return "then" in checked
    ? Promise.resolve(checked).then((later) => validated(later, what))
    : validated(checked, what);
}

function outputOf<Out>(checked: Validated<Out>): Out {
  if ("refused" in checked) throw checked.refused;
  return checked.value;
}

function validated<Out>(checked: StandardSchemaV1.Result<Out>, what: string): Validated<Out> {
  if (!checked.issues) return checked;
  const [first] = checked.issues;
  const path = first?.path?.map((segment) => (typeof segment === "object" ? segment.key : segment)) ?? [];
  // Its message may quote the value, and is kept with the job.
  const isSecret = path.some((key) => secretName.test(String(key)));
  const why = isSecret ? undefined : first?.message;
  const problem = `is not valid: ${why ?? "its validator says no"}`;
  return { refused: new InvalidValueError(what + pathText(path), problem) };
}
