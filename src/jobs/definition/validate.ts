import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidValueError, formatPath } from "../../core/errors.js";
import { isSecretName } from "../../core/secret-name.js";

/** What a validator makes of a value: its output, or why it refuses. */
export type Validated<Out> = { readonly value: Out } | { readonly refused: InvalidValueError };

/**
 * Runs a Standard Schema validator. Nothing is waited for where it answers at once, as nearly all do.
 *
 * @param what names the value in the error, such as `payload`
 * @returns the validator's output
 * @throws InvalidValueError with the path and message of the first issue, without what the message quotes of the value: it is
 *   kept with the job, and shown in places where the value is not; of a secret field, without the message
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
    ? Promise.resolve(checked).then((later) => validated(later, value, what))
    : validated(checked, value, what);
}

function outputOf<Out>(checked: Validated<Out>): Out {
  if ("refused" in checked) throw checked.refused;
  return checked.value;
}

function validated<Out>(checked: StandardSchemaV1.Result<Out>, value: unknown, what: string): Validated<Out> {
  if (!checked.issues) return checked;
  const [first] = checked.issues;
  const path = first?.path?.map((segment) => (typeof segment === "object" ? segment.key : segment)) ?? [];
  const isSecret = path.some((key) => isSecretName(String(key)));
  const why = isSecret ? "" : withoutValue(first?.message ?? "", valueAt(value, path));
  const problem = `is not valid: ${why || "its validator says no"}`;
  return { refused: new InvalidValueError(what + formatPath(path), problem) };
}

/** The value that a path leads to, as far as it does. */
function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined),
    value,
  );
}

/** Where validators begin to say what they were given: `but received "…"` of Valibot, `(was "…")` of ArkType. */
const quoting = /[\s,;:(]*\b(?:but )?(?:received|got|was|found|given|instead of)\b[^]*$/i;
const kindOnly =
  /^\W*(?:but )?(?:received|got|was|found|given) (?:undefined|null|missing|an? \w+|string|number|boolean|array|object)\W*$/i;
const minQuotedLength = 3;

/** A validator's message without the value, which it may quote in words of its own as well. */
function withoutValue(message: string, value: unknown): string {
  const said = message.replace(quoting, (quote) => (kindOnly.test(quote) ? quote : ""));
  const text = typeof value === "string" || typeof value === "number" || typeof value === "bigint" ? String(value) : "";
  return text.length < minQuotedLength ? said : said.replaceAll(text, "…");
}
