import { describeError, describeValue, formatPath, InvalidValueError } from "./errors.js";

/** The maximum size of a payload or result as JSON, in UTF-8. */
const maxJsonBytes = 1024 * 1024;
const maxDepth = 64;
/** ASCII without quotes, backslashes and control characters. Most texts match, and need no `JSON.stringify`. */
const needsNoEscape = /^[ !#-[\]-~]*$/;

/**
 * Converts a value to JSON that a `jsonb` column returns unchanged.
 *
 * @param name names the value in the error, such as `payload`
 * @throws InvalidValueError with the path of a value that JSON or PostgreSQL cannot carry: `undefined`, NaN, BigInt, dates and
 *   other instances without `toJSON`, cycles, NUL characters, lone surrogates, `__proto__` keys, more than 64 levels or 1 MiB
 */
export function toJson(value: unknown, name: string): string {
  return new JsonWriter(name).write(value);
}

/**
 * Checks a text for a text column.
 *
 * @param name names the text in the error
 * @param maxLength in characters
 * @throws InvalidValueError if it is not a text, is empty, exceeds `maxLength`, or has characters that PostgreSQL cannot store
 */
export function parseText(value: unknown, name: string, maxLength: number): string {
  if (typeof value !== "string") throw new InvalidValueError(name, `is ${describeValue(value)}: give a text`);
  if (value === "") throw new InvalidValueError(name, "is empty: give a text");
  if (value.length > maxLength)
    throw new InvalidValueError(name, `has ${value.length} characters, the limit is ${maxLength}`);
  const problem = findTextProblem(value);
  if (problem) throw new InvalidValueError(name, problem);
  return value;
}

/** Checks and serializes in one pass: in a second pass, a getter or proxy could return something else. */
class JsonWriter {
  /** The objects that contain the current value, outermost first. */
  readonly #ancestors: object[] = [];
  readonly #path: (string | number)[] = [];
  /** The length of the JSON written so far, without commas and colons. */
  #writtenChars = 0;

  constructor(private readonly name: string) {}

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

  /** Fails as soon as the limit is exceeded: many references to shared objects can expand to an unlimited length. */
  #count(json: string, length = json.length): string {
    this.#writtenChars += length;
    if (this.#writtenChars > maxJsonBytes) throw this.#createSizeError();
    return json;
  }

  #createSizeError(): InvalidValueError {
    return new InvalidValueError(
      this.name,
      `is more than ${maxJsonBytes} bytes of JSON: store it elsewhere and pass its id`,
    );
  }

  #createError(problem: string): InvalidValueError {
    return new InvalidValueError(this.name + formatPath(this.#path), problem);
  }
}

function isPlainObject(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  // The third condition matches plain objects of another realm, such as a test runner's.
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** Describes why PostgreSQL cannot store a text, or returns undefined. */
function findTextProblem(text: string): string | undefined {
  if (text.includes("\0")) return "has a NUL character, which PostgreSQL cannot store: remove it";
  if (!text.isWellFormed())
    return "has half of a surrogate pair, which UTF-8 cannot carry: was a text cut inside an emoji?";
  return undefined;
}
