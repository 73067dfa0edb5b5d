/** Shorter values, such as `true` or `1`, occur by chance in too many unrelated texts. */
const minValueLength = 4;
/** A value of up to this length is masked only if it is a whole word or number. */
const maxWordLength = 7;
/** With more hidden values than this, texts are masked as a whole, because searching for each value would take too long. */
const maxValues = 500;
/** A longer value is also masked if only its first characters match, because the text may have been truncated. */
const prefixLength = 32;
const maxDepth = 100;
const commonWords = new Set(["true", "false", "null", "none", "undefined"]);
/** Replaces a hidden value. */
export const placeholder = "•••";

/** The values that were hidden in one place, to mask them in every other place. */
export class HiddenValues {
  readonly #values = new Set<string>();

  /** Adds each text and number in a value. */
  addAllIn(value: unknown, depth = 0): void {
    if (typeof value === "string") this.add(value);
    else if (typeof value === "number") this.add(String(value));
    else if (typeof value === "object" && value !== null && depth < maxDepth && !this.#isFull())
      for (const item of Object.values(value)) this.addAllIn(item, depth + 1);
  }

  /** Adds a value, also in its JSON-escaped and URL-encoded forms. */
  add(value: string): void {
    const trimmed = value.trim();
    if (trimmed.length < minValueLength || commonWords.has(trimmed.toLowerCase()) || this.#isFull()) return;
    const forms = [trimmed, JSON.stringify(trimmed).slice(1, -1), encodeURIComponent(trimmed.toWellFormed())];
    for (const form of forms) this.#values.add(form.toLowerCase());
  }

  isHidden(value: number): boolean {
    return this.#values.has(String(value));
  }

  /** Masks the hidden values in a field name. */
  maskFieldName(name: string): string {
    return this.#isFull() ? name : this.maskText(name);
  }

  /** Masks the hidden values in a text. It ignores case, because a validator may change the case before it quotes the value. */
  maskText(text: string): string {
    if (this.#values.size === 0 || text === "") return text;
    if (this.#isFull()) return placeholder;
    let masked = text;
    for (const value of this.#values) masked = maskOccurrences(masked, value);
    return masked;
  }

  #isFull(): boolean {
    return this.#values.size >= 3 * maxValues;
  }
}

function maskOccurrences(text: string, value: string): string {
  const lower = text.toLowerCase();
  // In some alphabets, lower-casing changes a letter's length and so shifts the positions. Then the search is case-sensitive.
  const haystack = lower.length === text.length ? lower : text;
  const needle = value.slice(0, prefixLength);
  let masked = "";
  let copiedUpTo = 0;
  for (let at = haystack.indexOf(needle); at !== -1; at = haystack.indexOf(needle, at)) {
    let end = at + needle.length;
    while (end - at < value.length && haystack[end] === value[end - at]) end += 1;
    if (value.length <= maxWordLength && (isWordCharacter(haystack[at - 1]) || isWordCharacter(haystack[end]))) {
      at = end;
      continue;
    }
    masked += text.slice(copiedUpTo, at) + placeholder;
    copiedUpTo = at = end;
  }
  return copiedUpTo === 0 ? text : masked + text.slice(copiedUpTo);
}

function isWordCharacter(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}]/u.test(character);
}
