import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidValueError, formatPath } from "../../core/errors.js";
import { isSecretName } from "../../core/secret-name.js";

/** The result of a validation: the validator's output, or the error with which it rejects the value. */
export type Validation<Out> = { readonly value: Out } | { readonly refused: InvalidValueError };

/**
 * Runs a Standard Schema validator. Returns synchronously if the validator does, as nearly all do.
 *
 * @param what names the value in the error, such as `payload`
 * @returns the validator's output
 * @throws InvalidValueError with the path and message of the first issue. The message is cut where it quotes the value, because
 *   the error is stored with the job and shown in places where the value is not. For a secret field, the message is left out
 */
export function validate<Out>(
  validator: StandardSchemaV1<unknown, Out>,
  value: unknown,
  what: string,
): Out | Promise<Out> {
  const result = tryValidate(validator, value, what);
  return result instanceof Promise ? result.then(unwrap) : unwrap(result);
}

/** Like {@link validate}, but returns a rejection. Throws only if the validator itself fails. */
export function tryValidate<Out>(
  validator: StandardSchemaV1<unknown, Out>,
  value: unknown,
  what: string,
): Validation<Out> | Promise<Validation<Out>> {
  const result = validator["~standard"].validate(value);
  return "then" in result
    ? Promise.resolve(result).then((resolved) => toValidation(resolved, value, what))
    : toValidation(result, value, what);
}

function unwrap<Out>(result: Validation<Out>): Out {
  if ("refused" in result) throw result.refused;
  return result.value;
}

function toValidation<Out>(result: StandardSchemaV1.Result<Out>, value: unknown, what: string): Validation<Out> {
  if (!result.issues) return result;
  const [first] = result.issues;
  const path = first?.path?.map((segment) => (typeof segment === "object" ? segment.key : segment)) ?? [];
  const isSecret = path.some((key) => isSecretName(String(key)));
  const detail = isSecret ? "" : removeValue(first?.message ?? "", valueAt(value, path));
  const problem = `is not valid: ${detail || "its validator rejects it"}`;
  return { refused: new InvalidValueError(what + formatPath(path), problem) };
}

/** Returns the value at a path, or undefined if the path does not exist. */
function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined),
    value,
  );
}

/** Matches the part in which a validator quotes its input: `but received "…"` of Valibot, `(was "…")` of ArkType. */
const quotedInput = /[\s,;:(]*\b(?:but )?(?:received|got|was|found|given|instead of)\b[^]*$/i;
const kindOnly =
  /^\W*(?:but )?(?:received|got|was|found|given) (?:undefined|null|missing|an? \w+|string|number|boolean|array|object)\W*$/i;
const minQuotedLength = 3;

/** Removes the value from a validator's message, which may also quote it in wording that the pattern does not match. */
function removeValue(message: string, value: unknown): string {
  const unquoted = message.replace(quotedInput, (quote) => (kindOnly.test(quote) ? quote : ""));
  const text = typeof value === "string" || typeof value === "number" || typeof value === "bigint" ? String(value) : "";
  return text.length < minQuotedLength ? unquoted : unquoted.replaceAll(text, "…");
}
