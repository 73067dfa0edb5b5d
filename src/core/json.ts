import { errorText, InvalidValueError, pathText, shown } from "./errors.js";

/** A payload or result may be this long as JSON, in bytes. */
const maxJsonBytes = 1024 * 1024;
const maxDepth = 64;
/** ASCII without quotes, backslashes and control characters: most texts are. */
const needsNoEscape = /^[ !#-[\]-~]*$/;

/**
 * The JSON text of a value that comes back from a `jsonb` column as it went in.
 *
 * @param what names the value in the error, such as `payload`
 * @throws InvalidValueError naming the path of what JSON or PostgreSQL cannot carry: `undefined`, NaN, BigInt, dates and
 *   other instances without `toJSON`, cycles, NUL characters, lone surrogates, `__proto__` keys, more than 64 levels or 1 MiB
 */
export function toJson(value: unknown, what: string): string {
  return new JsonWriter(what).write(value);
}

/**
 * Checks a text that goes into a text column.
 *
 * @throws InvalidValueError for what is no text, empty, longer than `maxLength`, or has characters that PostgreSQL cannot store
 */
export function storableText(value: unknown, what: string, maxLength: number): string {
  if (typeof value !== "string") throw new InvalidValueError(what, `is ${shown(value)}: give a text`);
  if (value === "") throw new InvalidValueError(what, "is empty: give a text");
  if (value.length > maxLength)
    throw new InvalidValueError(what, `has ${value.length} characters, the limit is ${maxLength}`);
  const problem = unstorable(value);
  if (problem) throw new InvalidValueError(what, problem);
  return value;
}

/** Checks and writes in one walk: a getter or proxy that was asked twice could answer differently. */
class JsonWriter {
  /** The objects around the value at hand, and the keys that lead to it. */
  readonly #within: object[] = [];
  readonly #path: (string | number)[] = [];
  /** Of what is written so far, commas and colons aside. */
  #length = 0;

  constructor(private readonly what: string) {}

  write(value: unknown): string {
    let json: string;
    try {
      json = this.#value(value);
    } catch (error) {
      throw error instanceof InvalidValueError ? error : this.#problem(`cannot be read: ${errorText(error)}`);
    }
    if (Buffer.byteLength(json) > maxJsonBytes) throw this.#tooLong();
    return json;
  }

  #value(value: unknown): string {
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        if (!Number.isFinite(value)) throw this.#problem(`is ${value}, which JSON cannot carry`);
        return this.#counted(String(value));
      case "boolean":
        return this.#counted(String(value));
      case "object":
        return value === null ? this.#counted("null") : this.#object(value);
      default:
        throw this.#problem(`is ${shown(value)}, which JSON cannot carry`);
    }
  }

  #object(value: object): string {
    if (this.#within.includes(value)) throw this.#problem("contains itself: JSON cannot carry a cycle");
    if (this.#within.length >= maxDepth) {
      throw this.#problem(
        `is nested deeper than ${maxDepth} levels: flatten it, or store it elsewhere and pass its id`,
      );
    }
    this.#within.push(value);
    const json = Array.isArray(value) ? this.#items(value) : this.#properties(value);
    this.#within.pop();
    return json;
  }

  #items(array: readonly unknown[]): string {
    const items: string[] = [];
    for (let i = 0; i < array.length; i += 1) {
      this.#path.push(i);
      items.push(this.#value(array[i]));
      this.#path.pop();
    }
    return this.#counted(`[${items.join()}]`, 2);
  }

  #properties(object: object): string {
    const { toJSON } = object as { toJSON?: unknown };
    if (typeof toJSON === "function" && !(object instanceof Date)) return this.#value(toJSON.call(object));
    if (!isPlain(object)) {
      throw this.#problem(
        `is ${shown(object)}, which JSON cannot carry: pass a string or number and transform it in the validator`,
      );
    }
    const properties: string[] = [];
    for (const key of Object.keys(object)) {
      this.#path.push(key);
      if (key === "__proto__") throw this.#problem("is a key that could change an object's prototype: rename it");
      const value = (object as Record<string, unknown>)[key];
      if (value !== undefined) properties.push(`${this.#text(key)}:${this.#value(value)}`);
      this.#path.pop();
    }
    return this.#counted(`{${properties.join()}}`, 2);
  }

  #text(text: string): string {
    if (text.length > maxJsonBytes) throw this.#tooLong();
    if (needsNoEscape.test(text)) return this.#counted(`"${text}"`);
    const problem = unstorable(text);
    if (problem) throw this.#problem(problem);
    return this.#counted(JSON.stringify(text));
  }

  /** Gives up as soon as it is too long: a value that refers to one object again and again may have no end. */
  #counted(json: string, length = json.length): string {
    this.#length += length;
    if (this.#length > maxJsonBytes) throw this.#tooLong();
    return json;
  }

  #tooLong(): InvalidValueError {
    return new InvalidValueError(
      this.what,
      `is more than ${maxJsonBytes} bytes of JSON: store it elsewhere and pass its id`,
    );
  }

  #problem(problem: string): InvalidValueError {
    return new InvalidValueError(this.what + pathText(this.#path), problem);
  }
}

function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  // The second is the Object of another realm, such as a test runner's.
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** What keeps PostgreSQL from storing a text. */
function unstorable(text: string): string | undefined {
  if (text.includes("\0")) return "has a NUL character, which PostgreSQL cannot store: remove it";
  if (!text.isWellFormed())
    return "has half of a surrogate pair, which UTF-8 cannot carry: was a text cut inside an emoji?";
  return undefined;
}
