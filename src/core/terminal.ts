import { stripVTControlCharacters } from "node:util";

/** Characters that no terminal obeys, and that make a text look like another one: they turn its direction, or are not seen. */
const deceptive = /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** A text without what a terminal would obey: a receiver of webhooks may have written it, or whoever enqueues. */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[^\P{Cc}\n]/gu, " ")
    .replace(deceptive, "\u{fffd}");
}

/** The same, on one line. */
export function oneLine(text: string): string {
  return printable(text).replace(/\s+/g, " ");
}

/** A text on one line in which such characters are written out, as `\u001b`, so that different texts stay different. */
export function escaped(text: string): string {
  return text.replace(/\p{Cc}/gu, writtenOut).replace(deceptive, writtenOut);
}

/** JSON says the same where its characters are written out. */
export function printableJson(json: string): string {
  return json.replace(/[\u007f-\u009f]/g, writtenOut).replace(deceptive, writtenOut);
}

function writtenOut(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

/** Prints what a command was asked for. */
export function print(text: string): void {
  console.log(printable(text));
}

/** Prints a value for programs. */
export function printJson(value: unknown, indent = 2): void {
  console.log(printableJson(JSON.stringify(value, null, indent)));
}

/** Prints what went wrong, or what a person should know, beside the output. */
export function complain(text: string): void {
  console.error(printable(text));
}
