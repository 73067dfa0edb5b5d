import { maskSecrets } from "./mask-secrets.js";

const longestText = 2_000;
const longestWord = 700;

/** A text that PostgreSQL can store and that shows no password or token. */
export function storable(text: string, longest = longestText): string {
  return maskSecrets(beginning(text, 2 * longest + longestWord))
    .replaceAll("\0", "\u{fffd}")
    .slice(0, longest)
    .toWellFormed();
}

/** Without its last word, which may be half a secret that is not recognised as one. */
function beginning(text: string, longest: number): string {
  return text.length > longest ? text.slice(0, longest).replace(/\S{1,700}$/, "…") : text;
}
