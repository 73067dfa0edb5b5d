import { maskSecrets } from "./mask-secrets.js";

const defaultMaxChars = 2_000;
const maxWordChars = 700;

/** Masks secrets, truncates the text, and replaces characters that PostgreSQL cannot store. @param maxChars default 2000 */
export function sanitizeText(text: string, maxChars = defaultMaxChars): string {
  return maskSecrets(truncateAtWord(text, 2 * maxChars + maxWordChars))
    .replaceAll("\0", "\u{fffd}")
    .slice(0, maxChars)
    .toWellFormed();
}

/** Truncates a long text before its last word: if the cut splits a secret, its first half is not recognized as one. */
function truncateAtWord(text: string, maxChars: number): string {
  return text.length > maxChars ? text.slice(0, maxChars).replace(/\S{1,700}$/, "…") : text;
}
