import { formatPath } from "../core/errors.js";
import { maskSecrets } from "../core/mask-secrets.js";
import { isSecretName } from "../core/secret-name.js";
import { HiddenValues, placeholder } from "./hidden-values.js";

/** Values that plain SQL stored may be nested deeper. */
const maxDepth = 100;
const maxPaths = 100;
/** A longer text is not parsed as JSON. */
const maxJsonLength = 1024 * 1024;

/** Decides which fields are secret, and creates redactions. */
export interface Redactor {
  /** Whether a field of this name is hidden. */
  isSecretField(name: string): boolean;
  /** Creates the redaction for a job, or for other values that belong together. */
  createRedaction(): Redaction;
}

/** Hides the values of secret fields, and masks the same values wherever else they occur. */
export interface Redaction {
  /** The paths of the first hundred hidden fields, such as `payload.card.token`. */
  readonly paths: readonly string[];
  /**
   * Returns a value with its secret fields hidden. Call it for every value that may have secret fields before you call `mask`
   * for anything: `mask` knows only the values that `hide` has hidden.
   *
   * @param name the name of the value, with which its paths begin
   */
  hide(value: unknown, name: string): unknown;
  /** Returns a value in which the values that `hide` has hidden are masked. */
  mask<T>(value: T): T;
}

/** @param more names of further secret fields, ignoring case, or patterns for them */
export function createRedactor(more: readonly (string | RegExp)[]): Redactor {
  const names = new Set(more.filter((item) => typeof item === "string").map((name) => name.toLowerCase()));
  // Not `test`: a pattern with the flag g keeps its position between calls.
  const patterns = more.filter((item) => item instanceof RegExp);
  const isSecretField = (name: string) =>
    isSecretName(name) || names.has(name.toLowerCase()) || patterns.some((pattern) => name.search(pattern) !== -1);
  return { isSecretField, createRedaction: () => new FieldRedaction(isSecretField) };
}

/** Hides every text, for a job whose payload could not be read: any text may contain its secrets. */
export const fullRedaction: Redaction = {
  paths: [],
  hide: () => placeholder,
  mask: <T>(value: T): T =>
    (typeof value === "string"
      ? placeholder
      : Array.isArray(value)
        ? value.map(() => placeholder)
        : typeof value === "object" && value !== null
          ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fullRedaction.mask(item)]))
          : value) as T,
};

/** Hides nothing, but cuts off values that are nested too deeply to be serialized as JSON. */
export const noRedaction: Redaction = {
  paths: [],
  hide: (value) => limitDepth(value, 0),
  mask: (value) => value,
};

function limitDepth(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth >= maxDepth) return `… (nested deeper than ${maxDepth} levels)`;
  if (Array.isArray(value)) return value.map((item) => limitDepth(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, limitDepth(item, depth + 1)]));
}

/** The keys under which a list of fields has names and values: `{ name: "password", value: "…" }`. */
const nameKey = /^(name|key|field|header|property|param(eter)?|variable|label|k)$/i;
const valueKey = /^(values?|val|content|data|text|v)$/i;

class FieldRedaction implements Redaction {
  readonly paths: string[] = [];
  readonly #hidden = new HiddenValues();

  constructor(private readonly isSecretField: (name: string) => boolean) {}

  hide(value: unknown, name: string): unknown {
    return this.#redact(value, name, []);
  }

  mask<T>(value: T): T {
    return this.#maskValue(value, 0) as T;
  }

  #redact(value: unknown, name: string, keys: readonly PropertyKey[]): unknown {
    if (typeof value === "string") return this.#redactText(value, name, keys);
    if (typeof value !== "object" || value === null) return value;
    if (keys.length >= maxDepth) return placeholder;
    if (Array.isArray(value)) return this.#redactList(value, name, keys);
    const entries = Object.entries(value);
    const isNamedSecret = entries.some(
      ([key, item]) => nameKey.test(key) && typeof item === "string" && this.#isSecretText(item),
    );
    return Object.fromEntries(
      entries.map(([key, item]) => {
        const path = [...keys, key];
        const isSecret = this.isSecretField(key) || (isNamedSecret && valueKey.test(key));
        return [key, isSecret ? this.#hide(item, name, path) : this.#redact(item, name, path)];
      }),
    );
  }

  /** In a list of texts, a name may be followed by its value: `["authorization", "Bearer …"]`, as in Node's `rawHeaders`. */
  #redactList(list: readonly unknown[], name: string, keys: readonly PropertyKey[]): unknown[] {
    const isPairList = list.length % 2 === 0 && list.every((item, i) => i % 2 === 1 || typeof item === "string");
    return list.map((item, i) => {
      const path = [...keys, i];
      const isSecret = isPairList && i % 2 === 1 && this.#isSecretText(list[i - 1] as string);
      return isSecret ? this.#hide(item, name, path) : this.#redact(item, name, path);
    });
  }

  /** A text may contain secrets, too: in JSON, a connection string or headers. */
  #redactText(text: string, name: string, keys: readonly PropertyKey[]): string {
    const json = parseJsonText(text);
    if (json !== undefined && keys.length < maxDepth) {
      const pathsBefore = this.paths.length;
      const redacted = this.#redact(json, name, keys);
      // The text is re-serialized only if something in it is hidden.
      return this.paths.length === pathsBefore && pathsBefore < maxPaths ? text : JSON.stringify(redacted);
    }
    const masked = maskSecrets(text, (secret) => this.#hidden.add(secret));
    if (masked !== text) this.#recordPath(name, keys);
    return masked;
  }

  #isSecretText(name: string): boolean {
    return /^[\w .:-]{1,60}$/.test(name) && this.isSecretField(name);
  }

  #hide(value: unknown, name: string, keys: readonly PropertyKey[]): string {
    this.#hidden.addAllIn(value);
    this.#recordPath(name, keys);
    return placeholder;
  }

  #recordPath(name: string, keys: readonly PropertyKey[]): void {
    if (this.paths.length < maxPaths) this.paths.push(name + formatPath(keys));
  }

  #maskValue(value: unknown, depth: number): unknown {
    if (typeof value === "string") return this.#hidden.maskText(value);
    if (typeof value === "number") return this.#hidden.isHidden(value) ? placeholder : value;
    if (typeof value !== "object" || value === null || value instanceof Date) return value;
    if (depth >= maxDepth) return placeholder;
    if (Array.isArray(value)) return value.map((item) => this.#maskValue(item, depth + 1));
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.#hidden.maskFieldName(key), this.#maskValue(item, depth + 1)]),
    );
  }
}

function parseJsonText(text: string): object | undefined {
  if (text.length > maxJsonLength || !/^\s*[[{][^]*[\]}]\s*$/.test(text)) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
