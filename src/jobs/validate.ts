import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidValueError } from "../core/errors.js";

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
  const checked = validator["~standard"].validate(value);
  const { issues, ...rest } = checked instanceof Promise ? await checked : checked;
  if (!issues) return (rest as StandardSchemaV1.SuccessResult<Out>).value;
  const [first] = issues;
  throw new InvalidValueError(
    what + pathText(first?.path),
    `is not valid: ${first?.message ?? "its validator says no"}`,
  );
}

function pathText(path: StandardSchemaV1.Issue["path"]): string {
  return (path ?? [])
    .map((segment) => (typeof segment === "object" ? segment.key : segment))
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("");
}
