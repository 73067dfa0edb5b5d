import { pathText } from "../core/errors.js";
import { secretName } from "../core/secret-name.js";

/** What stands in the place of a value that is not shown. */
const mark = "•••";
/** Plain SQL may have stored deeper ones. */
const deepest = 100;
const mostPaths = 100;

/** A value without what should not be seen, and where that was. */
export interface Redacted {
  readonly value: unknown;
  /** Such as `payload.card.token`; the first hundred. */
  readonly paths: readonly string[];
}

/** Takes the values of secret fields out of JSON. */
export interface Redact {
  /** @param name what the value is, for the paths */
  of(value: unknown, name: string): Redacted;
  /** Whether a field of this name is not shown. */
  hides(name: string): boolean;
}

/** @param more names of fields, in upper or lower case, or patterns of them */
export function redaction(more: readonly (string | RegExp)[]): Redact {
  const names = new Set(more.filter((one) => typeof one === "string").map((name) => name.toLowerCase()));
  // Not `test`: a pattern with the flag g remembers where it was.
  const patterns = [secretName, ...more.filter((one) => one instanceof RegExp)];
  const hides = (name: string) =>
    names.has(name.toLowerCase()) || patterns.some((pattern) => name.search(pattern) !== -1);
  return {
    hides,
    of(value, name) {
      const paths: string[] = [];
      return {
        value: without(value, [], (keys) => paths.length < mostPaths && paths.push(name + pathText(keys))),
        paths,
      };
    },
  };

  function without(
    value: unknown,
    keys: readonly PropertyKey[],
    told: (keys: readonly PropertyKey[]) => void,
  ): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (keys.length >= deepest) return mark;
    if (Array.isArray(value)) return value.map((item, i) => without(item, [...keys, i], told));
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const at = [...keys, key];
        if (!hides(key)) return [key, without(item, at, told)];
        told(at);
        return [key, mark];
      }),
    );
  }
}
