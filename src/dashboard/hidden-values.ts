/** Shorter ones, such as `true` or `1`, stand in too many texts that have nothing to do with them. */
const minLength = 4;
/** Up to here a value counts only where it is a word, or a number, by itself. */
const maxWordLength = 7;
/** Where more are hidden, texts are hidden altogether: looking for each of them would take too long. */
const maxValues = 500;
/** The beginning of a longer value counts, too: where a text is cut, no more of it may be left. */
const prefixLength = 32;
const maxDepth = 100;
const ordinary = new Set(["true", "false", "null", "none", "undefined"]);
/** What stands in the place of a value that is not shown. */
export const mark = "•••";

/** Values that are not shown in one place, and so not in another. */
export class HiddenValues {
  readonly #values = new Set<string>();

  /** Each text and number in it. */
  addAll(value: unknown, depth = 0): void {
    if (typeof value === "string") this.add(value);
    else if (typeof value === "number") this.add(String(value));
    else if (typeof value === "object" && value !== null && depth < maxDepth && !this.#isFull())
      for (const item of Object.values(value)) this.addAll(item, depth + 1);
  }

  /** Written as JSON or in an address, it looks another way. */
  add(value: string): void {
    const trimmed = value.trim();
    if (trimmed.length < minLength || ordinary.has(trimmed.toLowerCase()) || this.#isFull()) return;
    const forms = [trimmed, JSON.stringify(trimmed).slice(1, -1), encodeURIComponent(trimmed.toWellFormed())];
    for (const form of forms) this.#values.add(form.toLowerCase());
  }

  isHidden(value: number): boolean {
    return this.#values.has(String(value));
  }

  /** The same in the name of a field. */
  maskInName(name: string): string {
    return this.#isFull() ? name : this.maskIn(name);
  }

  /** In upper and lower case: a validator may have changed that before it quoted the value. */
  maskIn(text: string): string {
    if (this.#values.size === 0 || text === "") return text;
    if (this.#isFull()) return mark;
    let shown = text;
    for (const value of this.#values) shown = maskOne(shown, value);
    return shown;
  }

  #isFull(): boolean {
    return this.#values.size >= 3 * maxValues;
  }
}

function maskOne(text: string, value: string): string {
  const lower = text.toLowerCase();
  // In few alphabets a letter has another length in lower case: then it is looked for as it is written.
  const among = lower.length === text.length ? lower : text;
  const needle = value.slice(0, prefixLength);
  let shown = "";
  let from = 0;
  for (let at = among.indexOf(needle); at !== -1; at = among.indexOf(needle, at)) {
    let end = at + needle.length;
    while (end - at < value.length && among[end] === value[end - at]) end += 1;
    if (value.length <= maxWordLength && (isWord(among[at - 1]) || isWord(among[end]))) {
      at = end;
      continue;
    }
    shown += text.slice(from, at) + mark;
    from = at = end;
  }
  return from === 0 ? text : shown + text.slice(from);
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}]/u.test(character);
}
