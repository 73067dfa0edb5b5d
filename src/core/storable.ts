import { maskSecrets } from "./mask-secrets.js";

const defaultMaxChars = 2_000;
const maxWordChars = 700;

/** A text that PostgreSQL can store and that shows no password or token. */
export function sanitizeText(text: string, maxChars = defaultMaxChars): string {
  return maskSecrets(truncateAtWord(text, 2 * maxChars + maxWordChars))
    .replaceAll("\0", "\u{fffd}")
    .slice(0, maxChars)
    .toWellFormed();
}

/** Without its last word, which may be half a secret that is not recognised as one. */
function truncateAtWord(text: string, maxChars: number): string {
  return text.length > maxChars ? text.slice(0, maxChars).replace(/\S{1,700}$/, "…") : text;
}
