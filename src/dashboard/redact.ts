import { formatPath } from "../core/errors.js";
import { maskSecrets } from "../core/mask-secrets.js";
import { isSecretName } from "../core/secret-name.js";
import { HiddenValues, mark } from "./hidden-values.js";

/** Plain SQL may have stored deeper ones. */
const maxDepth = 100;
const maxPaths = 100;
/** A text that is longer is not read as JSON. */
const maxJsonLength = 1024 * 1024;

/** Takes secrets out of what is shown of a job. */
export interface Redact {
  /** Whether a field of this name is not shown. */
  hides(name: string): boolean;
  /** What hides secrets of one job, or of whatever else belongs together. */
  begin(): Redaction;
}

/** Hides the values of secret fields, and those same values wherever else they stand. */
export interface Redaction {
  /** Such as `payload.card.token`; the first hundred. */
  readonly paths: readonly string[];
  /**
   * A value without what should not be seen. First of everything that may hold secret fields, then of all of it, texts too:
   * `mask` knows only what `hide` has hidden.
   *
   * @param name what the value is, for the paths
   */
  hide(value: unknown, name: string): unknown;
  /** The same value without what was hidden elsewhere. */
  mask<T>(value: T): T;
}

/** @param more names of fields, in upper or lower case, or patterns of them */
export function redaction(more: readonly (string | RegExp)[]): Redact {
  const names = new Set(more.filter((one) => typeof one === "string").map((name) => name.toLowerCase()));
  // Not `test`: a pattern with the flag g remembers where it was.
  const patterns = more.filter((one) => one instanceof RegExp);
  const hides = (name: string) =>
    isSecretName(name) || names.has(name.toLowerCase()) || patterns.some((pattern) => name.search(pattern) !== -1);
  return { hides, begin: () => new FieldRedaction(hides) };
}

/** Hides every text: of what stands in a payload that was not read, nothing is known. */
export const everythingHidden: Redaction = {
  paths: [],
  hide: () => mark,
  mask: <T>(value: T): T =>
    (typeof value === "string"
      ? mark
      : Array.isArray(value)
        ? value.map(() => mark)
        : typeof value === "object" && value !== null
          ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, everythingHidden.mask(item)]))
          : value) as T,
};

/** Shows everything, but for what is nested too deeply to be written as JSON. */
export const nothingHidden: Redaction = {
  paths: [],
  hide: (value) => shallow(value, 0),
  mask: (value) => value,
};

function shallow(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth >= maxDepth) return `… (nested deeper than ${maxDepth} levels)`;
  if (Array.isArray(value)) return value.map((item) => shallow(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shallow(item, depth + 1)]));
}

/** What a list of fields calls their names and values: `{ name: "password", value: "…" }`. */
const nameKey = /^(name|key|field|header|property|param(eter)?|variable|label|k)$/i;
const valueKey = /^(values?|val|content|data|text|v)$/i;

class FieldRedaction implements Redaction {
  readonly paths: string[] = [];
  readonly #hidden = new HiddenValues();

  constructor(private readonly hides: (name: string) => boolean) {}

  hide(value: unknown, name: string): unknown {
    return this.#without(value, name, []);
  }

  mask<T>(value: T): T {
    return this.#masked(value, 0) as T;
  }

  #without(value: unknown, name: string, keys: readonly PropertyKey[]): unknown {
    if (typeof value === "string") return this.#text(value, name, keys);
    if (typeof value !== "object" || value === null) return value;
    if (keys.length >= maxDepth) return mark;
    if (Array.isArray(value)) return this.#list(value, name, keys);
    const entries = Object.entries(value);
    const isNamedSecret = entries.some(
      ([key, item]) => nameKey.test(key) && typeof item === "string" && this.#isField(item),
    );
    return Object.fromEntries(
      entries.map(([key, item]) => {
        const at = [...keys, key];
        const isSecret = this.hides(key) || (isNamedSecret && valueKey.test(key));
        return [key, isSecret ? this.#hide(item, name, at) : this.#without(item, name, at)];
      }),
    );
  }

  /** In a list of texts a name may have its value behind it: `["authorization", "Bearer …"]`, and `rawHeaders` of Node. */
  #list(list: readonly unknown[], name: string, keys: readonly PropertyKey[]): unknown[] {
    const isOfPairs = list.length % 2 === 0 && list.every((item, i) => i % 2 === 1 || typeof item === "string");
    return list.map((item, i) => {
      const at = [...keys, i];
      const isSecret = isOfPairs && i % 2 === 1 && this.#isField(list[i - 1] as string);
      return isSecret ? this.#hide(item, name, at) : this.#without(item, name, at);
    });
  }

  /** A text may hold secrets as well: JSON, a connection string, headers. */
  #text(text: string, name: string, keys: readonly PropertyKey[]): string {
    const structured = jsonIn(text);
    if (structured !== undefined && keys.length < maxDepth) {
      const known = this.paths.length;
      const without = this.#without(structured, name, keys);
      // Written anew only where something is hidden in it.
      return this.paths.length === known && known < maxPaths ? text : JSON.stringify(without);
    }
    const masked = maskSecrets(text, (secret) => this.#hidden.add(secret));
    if (masked !== text) this.#note(name, keys);
    return masked;
  }

  #isField(name: string): boolean {
    return /^[\w .:-]{1,60}$/.test(name) && this.hides(name);
  }

  #hide(value: unknown, name: string, keys: readonly PropertyKey[]): string {
    this.#hidden.addAll(value);
    this.#note(name, keys);
    return mark;
  }

  #note(name: string, keys: readonly PropertyKey[]): void {
    if (this.paths.length < maxPaths) this.paths.push(name + formatPath(keys));
  }

  #masked(value: unknown, depth: number): unknown {
    if (typeof value === "string") return this.#hidden.maskIn(value);
    if (typeof value === "number") return this.#hidden.isHidden(value) ? mark : value;
    if (typeof value !== "object" || value === null || value instanceof Date) return value;
    if (depth >= maxDepth) return mark;
    if (Array.isArray(value)) return value.map((item) => this.#masked(item, depth + 1));
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.#hidden.maskInName(key), this.#masked(item, depth + 1)]),
    );
  }
}

function jsonIn(text: string): object | undefined {
  if (text.length > maxJsonLength || !/^\s*[[{][^]*[\]}]\s*$/.test(text)) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
