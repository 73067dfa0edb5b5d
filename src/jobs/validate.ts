import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidValueError, pathText } from "../core/errors.js";

/**
 * Runs a Standard Schema validator.
 *
 * @param what names the value in the error, such as `payload`
 * @returns the validator's output
 * @throws InvalidValueError with the path and message of the first issue
 */
export async function validate<Out>(
  validator: StandardSchemaV1<unknown, Out>,
  value: unknown,
  what: string,
): Promise<Out> {
  const checked = await validator["~standard"].validate(value);
  if (!checked.issues) return checked.value;
  const [first] = checked.issues;
  const path = first?.path?.map((segment) => (typeof segment === "object" ? segment.key : segment)) ?? [];
  throw new InvalidValueError(what + pathText(path), `is not valid: ${first?.message ?? "its validator says no"}`);
}
