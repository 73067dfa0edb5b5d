import { isSecretName } from "./secret-name.js";

/** Replaces each secret. */
const mask = "***";
/** A name before a value is at most this long. */
const maxNameChars = 60;

/**
 * Masks probable secrets in a text: passwords in connection strings, values after names such as `password=` (quoted or not, in
 * headers, XML elements and command options), JWTs, private keys, and tokens with well-known prefixes.
 * The run time is linear in the text's length.
 *
 * @param onSecret called with each masked secret
 */
export function maskSecrets(text: string, onSecret: (secret: string) => void = () => {}): string {
  const replaceSecret = (before: string, secret: string, after: string) => {
    onSecret(secret);
    return before + mask + after;
  };
  return maskAssignments(
    secretPatterns.reduce(
      (rest, pattern) =>
        rest.replace(pattern, (_, before: string, secret: string, after: string) =>
          replaceSecret(before, secret, after),
        ),
      text.replace(
        namedSecretPattern,
        (whole: string, before: string, name: string, between: string, secret: string) =>
          isSecretName(name) ? replaceSecret(before + name + between, secret, "") : whole,
      ),
    ),
    onSecret,
  );
}

/**
 * Each pattern has three groups: the text before the secret, the secret, and the text after it. Repetitions are bounded, since
 * a long text would otherwise take quadratic time.
 */
const secretPatterns: readonly RegExp[] = [
  /(-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----)((?:(?!-----)[^])+)()/g,
  /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@]{0,200}:)(\S{1,500})(@)/gi,
  /\b([a-z][a-z0-9+.-]{0,20}:\/\/)([^\s:/@]{16,200})(@)/gi,
  /\b(bearer\s{1,5})([\w.~+/=-]+)()/gi,
  // "Basic" is also an ordinary word, so the text after it counts as a secret only if it looks like base64.
  /\b((?:[Bb]asic|BASIC)\s{1,5})((?=[\w+/-]{0,300}(?:[\d=+/]|[a-z][A-Z]))[\w+/=-]{4,})()/g,
  /(?<![\w-])()(eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]+)?)()/g,
  /(?<![\w-])(whsec_|[sr]k_(?:live|test)_|gh[pousr]_|github_pat_|glpat-|npm_|xox[abeoprs]-|AKIA|ASIA|AIza|sk-|SG\.)([\w+/=.-]{16,})()/g,
];

/** Matches `--password hunter2`, `<password>hunter2</password>`, and `password 'hunter2'` in SQL. */
const namedSecretPattern =
  /((?<![\w-])--|<|\b(?=(?:password|passwd|pwd)\s))([\w:.-]{1,60})((?<=--[\w:.-]{1,60})\s{1,5}|(?<=<[\w:.-]{1,60})(?:\s[^<>]{0,200})?>|\s{1,5}(?=['"]))([^\s<'"]{1,500}|'[^']*'|"[^"]*")/gi;

/** Masks values in `password=hunter2`, `"password": "hunter2"`, `Cookie: a=b; c=d` and `password => [ … ]`. */
function maskAssignments(text: string, onSecret: (secret: string) => void): string {
  const separator = /[=:]|%3[ad]/gi;
  let maskedText = "";
  let from = 0;
  for (let found = separator.exec(text); found; found = separator.exec(text)) {
    const name = findNameBefore(text, Math.max(from, found.index - maxNameChars - 10), found.index);
    if (!isSecretName(name)) continue;
    const start = skipMatch(text, /(?:>|\s|=){0,5}/y, separator.lastIndex);
    const end = findValueEnd(text, start, /cookie|authorization/i.test(name));
    const secret = text.slice(start, end);
    // Skip an empty value, and one that is already masked, such as `Bearer ***` in a header.
    if (end > start && !secret.endsWith(mask)) {
      onSecret(secret.replace(/^\\{0,31}["'`]|\\{0,31}["'`]$/g, ""));
      maskedText += text.slice(from, start) + mask;
      from = end;
    }
    separator.lastIndex = Math.max(end, separator.lastIndex);
  }
  return maskedText + text.slice(from);
}

function skipMatch(text: string, pattern: RegExp, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}

/**
 * Finds the name before a separator: a quoted text, one word, or two words if only the pair is a secret's name, as in `api
 * key`.
 */
function findNameBefore(text: string, from: number, end: number): string {
  const before = text.slice(from, end).trimEnd();
  const [, quoted] = /["'`]([^"'`]{1,60}?)\\*["'`]\]?$/.exec(before) ?? [];
  if (quoted !== undefined) return quoted;
  const [pair = "", first = "", last = ""] = /(?:([\p{L}\p{N}_$-]+)[ ])?([\p{L}\p{N}_$-]+)\]?$/u.exec(before) ?? [];
  return first !== "" && !isSecretName(first) && isSecretName(pair) ? pair : last;
}

/** @param isHeader whether the value extends to the end of its line */
function findValueEnd(text: string, start: number, isHeader: boolean): number {
  const [quote] = matchAt(text, /\\{0,31}["'`]/y, start);
  if (quote !== undefined) return findQuotedEnd(text, start, quote);
  if (text[start] === "{" || text[start] === "[") return findBracketsEnd(text, start);
  const [bare = ""] = matchAt(text, isHeader ? /[^\r\n"'`]+/y : /[^\s,;&"'`]+/y, start);
  return start + bare.length;
}

function matchAt(text: string, pattern: RegExp, at: number): readonly string[] {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? [];
}

/**
 * Returns the index after the closing quote, or the text's length if there is none. In JSON nested in JSON, the quotes themselves are
 * escaped, and a quote inside the value has more backslashes. In SQL and CSV, two quotes stand for one quote inside the value.
 */
function findQuotedEnd(text: string, start: number, opening: string): number {
  const quote = opening.at(-1) as string;
  const escapes = opening.length - 1;
  for (let at = text.indexOf(quote, start + opening.length); at !== -1; at = text.indexOf(quote, at + 1)) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === "\\" && at - 1 - backslashes >= start + opening.length) backslashes += 1;
    if ((backslashes - escapes) % (2 * (escapes + 1)) !== 0 || backslashes < escapes) continue;
    if (escapes > 0 || text[at + 1] !== quote) return at + 1;
    at += 1;
  }
  return text.length;
}

/** Returns the index after the bracket that closes a list or object, or the text's length if there is none. */
function findBracketsEnd(text: string, start: number): number {
  const bracket = /[[\]{}]|\\{0,31}["'`]/g;
  bracket.lastIndex = start;
  let depth = 0;
  for (let found = bracket.exec(text); found; found = bracket.exec(text)) {
    const [token] = found;
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth -= 1;
    else bracket.lastIndex = findQuotedEnd(text, found.index, token);
    if (depth === 0) return bracket.lastIndex;
  }
  return text.length;
}
