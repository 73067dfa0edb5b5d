import { stripVTControlCharacters } from "node:util";

/** Characters that no terminal obeys, and that make a text look like another one: they turn its direction, or are not seen. */
const deceptive = /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** A text without what a terminal would obey: a receiver of webhooks may have written it, or whoever enqueues. */
export function toPrintable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[^\P{Cc}\n]/gu, " ")
    .replace(deceptive, "\u{fffd}");
}

/** The same, on one line. */
export function toOneLine(text: string): string {
  return toPrintable(text).replace(/\s+/g, " ");
}

/** A text on one line in which such characters are written out, as `\u001b`, so that different texts stay different. */
export function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, escapeCharacter).replace(deceptive, escapeCharacter);
}

/** JSON says the same where its characters are written out. */
export function toPrintableJson(json: string): string {
  return json.replace(/[\u007f-\u009f]/g, escapeCharacter).replace(deceptive, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

/** Prints what a command was asked for. */
export function print(text: string): void {
  console.log(toPrintable(text));
}

/** Prints a value for programs. */
export function printJson(value: unknown, indent = 2): void {
  console.log(toPrintableJson(JSON.stringify(value, null, indent)));
}

/** Prints what went wrong, or what a person should know, beside the output. */
export function printToStderr(text: string): void {
  console.error(toPrintable(text));
}
