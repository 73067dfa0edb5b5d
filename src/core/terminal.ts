import { stripVTControlCharacters } from "node:util";

/**
 * Characters that are not control characters, but make a text look like another: they change its direction or are invisible.
 */
const deceptive = /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/**
 * Removes everything that controls a terminal, since a text may come from a webhook's receiver or from the code that enqueues.
 */
export function toPrintable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[^\P{Cc}\n]/gu, " ")
    .replace(deceptive, "\u{fffd}");
}

/** Like {@link toPrintable}, on one line. */
export function toOneLine(text: string): string {
  return toPrintable(text).replace(/\s+/g, " ");
}

/** Escapes control and deceptive characters, such as `\u001b`. The result is one line, and different texts stay different. */
export function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, escapeCharacter).replace(deceptive, escapeCharacter);
}

/** Escapes the deceptive characters in JSON, which does not change its meaning. */
export function toPrintableJson(json: string): string {
  return json.replace(/[\u007f-\u009f]/g, escapeCharacter).replace(deceptive, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

/** Prints a command's output. */
export function print(text: string): void {
  console.log(toPrintable(text));
}

/** Prints a value as JSON, for programs. */
export function printJson(value: unknown, indent = 2): void {
  console.log(toPrintableJson(JSON.stringify(value, null, indent)));
}

/** Prints an error or a hint to stderr, apart from the output. */
export function printToStderr(text: string): void {
  console.error(toPrintable(text));
}
