import { maskSecrets } from "./mask-secrets.js";

const maxText = 2_000;
const maxWord = 700;

/** A text that PostgreSQL can store and that shows no password or token. */
export function storable(text: string, max = maxText): string {
  return maskSecrets(beginning(text, 2 * max + maxWord))
    .replaceAll("\0", "\u{fffd}")
    .slice(0, max)
    .toWellFormed();
}

/** Without its last word, which may be half a secret that is not recognised as one. */
function beginning(text: string, max: number): string {
  return text.length > max ? text.slice(0, max).replace(/\S{1,700}$/, "…") : text;
}
