const longestText = 2_000;
const longestWord = 700;

/** A text that PostgreSQL can store and that shows no password or token. */
export function storable(text: string, longest = longestText): string {
  return withoutSecrets(beginning(text, 2 * longest + longestWord))
    .replaceAll("\0", "\u{fffd}")
    .slice(0, longest)
    .toWellFormed();
}

/** Without its last word, which may be half a secret that is not recognised as one. */
function beginning(text: string, longest: number): string {
  return text.length > longest ? text.slice(0, longest).replace(/\S{1,700}$/, "…") : text;
}

/** The repetitions are bounded, or a long run of such characters would take quadratic time. */
function withoutSecrets(text: string): string {
  return text
    .replace(/\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@]{0,200}):[^\s]{1,500}@/gi, "$1:***@")
    .replace(/\b(bearer|basic)\s{1,5}[\w.~+/=-]+/gi, "$1 ***")
    .replace(
      /((?:password|passwd|secret|token|api[_-]?key|access[_-]?key)[\w-]{0,60}[\\"']{0,4}\s{0,5}[=:]\s{0,5})("[^"]*"|'[^']*'|\\"[^"\\]*\\"|[^\s,;&"']+)/gi,
      "$1***",
    );
}
