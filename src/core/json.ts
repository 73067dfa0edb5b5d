import { describeError, InvalidValueError, formatPath, describeValue } from "./errors.js";

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
export function parseText(value: unknown, what: string, maxLength: number): string {
  if (typeof value !== "string") throw new InvalidValueError(what, `is ${describeValue(value)}: give a text`);
  if (value === "") throw new InvalidValueError(what, "is empty: give a text");
  if (value.length > maxLength)
    throw new InvalidValueError(what, `has ${value.length} characters, the limit is ${maxLength}`);
  const problem = findTextProblem(value);
  if (problem) throw new InvalidValueError(what, problem);
  return value;
}

/** Checks and writes in one walk: a getter or proxy that was asked twice could answer differently. */
class JsonWriter {
  /** The objects around the value at hand, and the keys that lead to it. */
  readonly #ancestors: object[] = [];
  readonly #path: (string | number)[] = [];
  /** Of what is written so far, commas and colons aside. */
  #writtenChars = 0;

  constructor(private readonly what: string) {}

  write(value: unknown): string {
    let json: string;
    try {
      json = this.#writeValue(value);
    } catch (error) {
      throw error instanceof InvalidValueError ? error : this.#createError(`cannot be read: ${describeError(error)}`);
    }
    if (Buffer.byteLength(json) > maxJsonBytes) throw this.#createSizeError();
    return json;
  }

  #writeValue(value: unknown): string {
    switch (typeof value) {
      case "string":
        return this.#writeText(value);
      case "number":
        if (!Number.isFinite(value)) throw this.#createError(`is ${value}, which JSON cannot carry`);
        return this.#count(String(value));
      case "boolean":
        return this.#count(String(value));
      case "object":
        return value === null ? this.#count("null") : this.#writeObject(value);
      default:
        throw this.#createError(`is ${describeValue(value)}, which JSON cannot carry`);
    }
  }

  #writeObject(value: object): string {
    if (this.#ancestors.includes(value)) throw this.#createError("contains itself: JSON cannot carry a cycle");
    if (this.#ancestors.length >= maxDepth) {
      throw this.#createError(
        `is nested deeper than ${maxDepth} levels: flatten it, or store it elsewhere and pass its id`,
      );
    }
    this.#ancestors.push(value);
    const json = Array.isArray(value) ? this.#writeArray(value) : this.#writeProperties(value);
    this.#ancestors.pop();
    return json;
  }

  #writeArray(array: readonly unknown[]): string {
    const items: string[] = [];
    for (let i = 0; i < array.length; i += 1) {
      this.#path.push(i);
      items.push(this.#writeValue(array[i]));
      this.#path.pop();
    }
    return this.#count(`[${items.join()}]`, 2);
  }

  #writeProperties(object: object): string {
    const { toJSON } = object as { toJSON?: unknown };
    if (typeof toJSON === "function" && !(object instanceof Date)) return this.#writeValue(toJSON.call(object));
    if (!isPlainObject(object)) {
      throw this.#createError(
        `is ${describeValue(object)}, which JSON cannot carry: pass a string or number and transform it in the validator`,
      );
    }
    const properties: string[] = [];
    for (const key of Object.keys(object)) {
      this.#path.push(key);
      if (key === "__proto__") throw this.#createError("is a key that could change an object's prototype: rename it");
      const value = (object as Record<string, unknown>)[key];
      if (value !== undefined) properties.push(`${this.#writeText(key)}:${this.#writeValue(value)}`);
      this.#path.pop();
    }
    return this.#count(`{${properties.join()}}`, 2);
  }

  #writeText(text: string): string {
    if (text.length > maxJsonBytes) throw this.#createSizeError();
    if (needsNoEscape.test(text)) return this.#count(`"${text}"`);
    const problem = findTextProblem(text);
    if (problem) throw this.#createError(problem);
    return this.#count(JSON.stringify(text));
  }

  /** Gives up as soon as it is too long: a value that refers to one object again and again may have no end. */
  #count(json: string, length = json.length): string {
    this.#writtenChars += length;
    if (this.#writtenChars > maxJsonBytes) throw this.#createSizeError();
    return json;
  }

  #createSizeError(): InvalidValueError {
    return new InvalidValueError(
      this.what,
      `is more than ${maxJsonBytes} bytes of JSON: store it elsewhere and pass its id`,
    );
  }

  #createError(problem: string): InvalidValueError {
    return new InvalidValueError(this.what + formatPath(this.#path), problem);
  }
}

function isPlainObject(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  // The second is the Object of another realm, such as a test runner's.
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** What keeps PostgreSQL from storing a text. */
function findTextProblem(text: string): string | undefined {
  if (text.includes("\0")) return "has a NUL character, which PostgreSQL cannot store: remove it";
  if (!text.isWellFormed())
    return "has half of a surrogate pair, which UTF-8 cannot carry: was a text cut inside an emoji?";
  return undefined;
}
