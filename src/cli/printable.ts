import { stripVTControlCharacters } from "node:util";

/** A text without what a terminal would obey: a receiver of webhooks may have written it, or whoever enqueues. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/[^\P{Cc}\n]/gu, " ");
}

/** The same, on one line. */
export function oneLine(text: string): string {
  return printable(text).replace(/\s+/g, " ");
}
