import { InvalidValueError } from "./errors.js";

/** A payload or result may be this long as JSON, in bytes. */
const maxJsonBytes = 1024 * 1024;
const maxDepth = 64;

/**
 * The JSON text of a value that comes back from a `jsonb` column as it went in.
 *
 * @param what names the value in the error, such as `payload`
 * @throws InvalidValueError naming the path of what JSON or PostgreSQL cannot carry: `undefined`, NaN, BigInt, dates and
 *   other instances without `toJSON`, cycles, NUL characters, lone surrogates, `__proto__` keys, more than 64 levels or 1 MiB
 */
export function toJson(value: unknown, what: string): string {
  const json = JSON.stringify(plain(value, what, []));
  const bytes = Buffer.byteLength(json);
  if (bytes > maxJsonBytes) {
    throw new InvalidValueError(
      what,
      `is ${bytes} bytes of JSON, the limit is ${maxJsonBytes}: store it elsewhere and pass its id`,
    );
  }
  return json;
}

/**
 * Checks a text that goes into a text column.
 *
 * @throws InvalidValueError for what is no text, empty, longer than `maxLength`, or has characters that PostgreSQL cannot store
 */
export function storableText(value: unknown, what: string, maxLength: number): string {
  if (typeof value !== "string") throw new InvalidValueError(what, `is ${describe(value)}: give a text`);
  if (value === "") throw new InvalidValueError(what, "is empty: give a text");
  if (value.length > maxLength)
    throw new InvalidValueError(what, `has ${value.length} characters, the limit is ${maxLength}`);
  checkCharacters(value, what);
  return value;
}

/** The same value with every `toJSON` applied; the same reference where nothing had one. */
function plain(value: unknown, path: string, within: readonly object[]): unknown {
  switch (typeof value) {
    case "string":
      checkCharacters(value, path);
      return value;
    case "number":
      if (!Number.isFinite(value)) throw new InvalidValueError(path, `is ${value}, which JSON cannot carry`);
      return value;
    case "boolean":
      return value;
    case "object":
      return value === null ? null : plainObject(value, path, within);
    default:
      throw new InvalidValueError(path, `is ${describe(value)}, which JSON cannot carry`);
  }
}

function plainObject(value: object, path: string, within: readonly object[]): unknown {
  if (within.includes(value)) throw new InvalidValueError(path, "contains itself: JSON cannot carry a cycle");
  if (within.length >= maxDepth)
    throw new InvalidValueError(
      path,
      `is nested deeper than ${maxDepth} levels: flatten it, or store it elsewhere and pass its id`,
    );
  const inside = [...within, value];
  if (Array.isArray(value)) {
    const items = Array.from(value, (item, i) => plain(item, `${path}[${i}]`, inside));
    return items.some((item, i) => item !== value[i]) ? items : value;
  }
  const toJSON = read(value, "toJSON", path);
  if (typeof toJSON === "function" && !(value instanceof Date)) {
    let replaced: unknown;
    try {
      replaced = toJSON.call(value);
    } catch (error) {
      throw new InvalidValueError(
        path,
        `has a toJSON that throws: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    return plain(replaced, path, inside);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) {
    throw new InvalidValueError(
      path,
      `is ${describe(value)}, which JSON cannot carry: pass a string or number and transform it in the validator`,
    );
  }
  const copy: Record<string, unknown> = {};
  let same = true;
  for (const key of Object.keys(value)) {
    const at = /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
    if (key === "__proto__")
      throw new InvalidValueError(at, "is a key that could change an object's prototype: rename it");
    checkCharacters(key, at);
    const item = read(value, key, at);
    if (item === undefined) continue;
    copy[key] = plain(item, at, inside);
    same &&= copy[key] === item;
  }
  // A getter may answer differently the next time: what was checked is what must be written.
  return same && !hasGetter(value) ? value : copy;
}

function hasGetter(value: object): boolean {
  return Object.values(Object.getOwnPropertyDescriptors(value)).some((property) => property.get !== undefined);
}

function read(value: object, key: string, path: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch (error) {
    throw new InvalidValueError(path, `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function checkCharacters(text: string, path: string): void {
  if (text.includes("\0"))
    throw new InvalidValueError(path, "has a NUL character, which PostgreSQL cannot store: remove it");
  if (!text.isWellFormed())
    throw new InvalidValueError(
      path,
      "has half of a surrogate pair, which UTF-8 cannot carry: was a text cut inside an emoji?",
    );
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "object") return `a ${value.constructor?.name || "object without a prototype"}`;
  return `a ${typeof value}`;
}
