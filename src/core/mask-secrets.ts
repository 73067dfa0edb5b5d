import { isSecretName } from "./secret-name.js";

/** What stands in the place of a secret in a text. */
const mask = "***";
/** A name in front of a value is no longer than this. */
const maxNameChars = 60;

/**
 * Masks what looks like a secret in a text: passwords in connection strings, values behind names such as `password=`, whether
 * quoted or not, headers, XML elements and options of commands, JWTs, private keys and tokens with well-known prefixes.
 * The time it takes is proportional to the text's length.
 *
 * @param onSecret is called with each secret that was masked
 */
export function maskSecrets(text: string, onSecret: (secret: string) => void = () => {}): string {
  const replaceSecret = (before: string, secret: string, after: string) => {
    onSecret(secret);
    return before + mask + after;
  };
  return maskAssignments(
    secretPatterns.reduce(
      (rest, pattern) =>
        rest.replace(pattern, (_, before: string, secret: string, after: string) => replaceSecret(before, secret, after)),
      text.replace(namedSecretPattern, (whole: string, before: string, name: string, between: string, secret: string) =>
        isSecretName(name) ? replaceSecret(before + name + between, secret, "") : whole,
      ),
    ),
    onSecret,
  );
}

/** Each has three groups: what stands before a secret, the secret, what follows. Repetitions are bounded, or a long text would take quadratic time. */
const secretPatterns: readonly RegExp[] = [
  /(-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----)((?:(?!-----)[^])+)()/g,
  /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@]{0,200}:)(\S{1,500})(@)/gi,
  /\b([a-z][a-z0-9+.-]{0,20}:\/\/)([^\s:/@]{16,200})(@)/gi,
  /\b(bearer\s{1,5})([\w.~+/=-]+)()/gi,
  // "Basic" is a word of its own: what follows it is a secret if it looks like base64.
  /\b((?:[Bb]asic|BASIC)\s{1,5})((?=[\w+/-]{0,300}(?:[\d=+/]|[a-z][A-Z]))[\w+/=-]{4,})()/g,
  /(?<![\w-])()(eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]+)?)()/g,
  /(?<![\w-])(whsec_|[sr]k_(?:live|test)_|gh[pousr]_|github_pat_|glpat-|npm_|xox[abeoprs]-|AKIA|ASIA|AIza|sk-|SG\.)([\w+/=.-]{16,})()/g,
];

/** `--password hunter2`, `<password>hunter2</password>`, `password 'hunter2'` of SQL. */
const namedSecretPattern =
  /((?<![\w-])--|<|\b(?=(?:password|passwd|pwd)\s))([\w:.-]{1,60})((?<=--[\w:.-]{1,60})\s{1,5}|(?<=<[\w:.-]{1,60})(?:\s[^<>]{0,200})?>|\s{1,5}(?=['"]))([^\s<'"]{1,500}|'[^']*'|"[^"]*")/gi;

/** `password=hunter2`, `"password": "hunter2"`, `Cookie: a=b; c=d`, `password => [ … ]`. */
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
    // The scheme of a header that was masked before, or nothing.
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

/** The name in front of a separator: what is in quotes there, or one word, or two that make a name together, as `api key` does. */
function findNameBefore(text: string, from: number, end: number): string {
  const before = text.slice(from, end).trimEnd();
  const [, quoted] = /["'`]([^"'`]{1,60}?)\\*["'`]\]?$/.exec(before) ?? [];
  if (quoted !== undefined) return quoted;
  const [pair = "", first = "", last = ""] = /(?:([\p{L}\p{N}_$-]+)[ ])?([\p{L}\p{N}_$-]+)\]?$/u.exec(before) ?? [];
  return first !== "" && !isSecretName(first) && isSecretName(pair) ? pair : last;
}

/** @param isHeader whether the value goes on to the end of its line */
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
 * Behind the quote that closes a text, at the text's end if there is none. In JSON within JSON quotes have backslashes in
 * front of them, and those that close nothing have more; in SQL and CSV, two quotes are one of the value's.
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

/** Behind the bracket that closes a list or an object, at the text's end if there is none. */
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
