// The figures of the house: how long its files and functions are, how much of it is comments, which of its names and comments
// use words that the glossary forbids. `npm run house` prints them; with `-- --list`, also each name and place.
import { type Comment, type Declaration, type ParsedFile, parsedFiles } from "./parsed-files.ts";

type Family = "speech" | "participle" | "superlative" | "dialect";

/** Words that names must not contain, and the words of the field to use instead. */
interface Term {
  readonly family: Family;
  /** Matches one word of a name, in lower case: `tellAll` has the words `tell` and `all`. */
  readonly forbidden: RegExp;
  readonly allowed: string;
  /** Only the first word of a function's name counts: values, types and components may well have such a name. */
  readonly onlyOfFunctions?: true;
}

/** A word belongs to the first term that forbids it. */
export const glossary: readonly Term[] = [
  { family: "speech", forbidden: /^(tell|tells|telling|told)$/, allowed: "emit, notify, sent" },
  { family: "speech", forbidden: /^(say|says|saying|said)$/, allowed: "log, report, publish, message" },
  { family: "speech", forbidden: /^(hear|hears|hearing|heard)$/, allowed: "receive, listen, hasListeners" },
  { family: "superlative", forbidden: /^(most|longest|largest|biggest)$/, allowed: "max" },
  { family: "superlative", forbidden: /^(fewest|shortest|smallest)$/, allowed: "min" },
  {
    family: "participle",
    forbidden: /^(?!(ring|string|ping|bring|embed|feed|need|seed|shed|speed|exceed|proceed|warning)$)\w+(ing|ed)$/,
    allowed: "the verb: cancel, insert, check",
    onlyOfFunctions: true,
  },
  {
    family: "participle",
    forbidden: /^(given|gone|held|kept|known|lost|sent|shown|taken|written|through|only|others)$/,
    allowed: "a verb",
    onlyOfFunctions: true,
  },
  { family: "dialect", forbidden: /^(look|looks|looked|mark|marks|marked)$/, allowed: "scan, poll, position, cursor" },
  { family: "dialect", forbidden: /^(trouble|troubles|doing)$/, allowed: "error event, operation" },
  { family: "dialect", forbidden: /^(duty|duties|surroundings)$/, allowed: "periodic task, dependencies" },
  { family: "dialect", forbidden: /^(stranger|strangers|stray|strays)$/, allowed: "unknown key, orphaned jobs" },
  { family: "dialect", forbidden: /^(deed|deeds|unkept|anew)$/, allowed: "audit entry, delete on completion, reset" },
  { family: "dialect", forbidden: /^(stretch|rhythm|stubborn)$/, allowed: "window, timing, unresponsive" },
];

/** A declared name with a word that the glossary forbids. */
export interface ForbiddenName extends Declaration {
  readonly word: string;
  readonly family: Family;
  readonly allowed: string;
}

/** Each forbidden word of each name that `src` declares. */
export function findForbiddenNames(files: readonly ParsedFile[]): ForbiddenName[] {
  return files
    .filter(({ path }) => path.startsWith("src/"))
    .flatMap(({ declarations }) => declarations)
    .flatMap((declaration) =>
      wordsOf(declaration.name).flatMap((word, index) => {
        const term = glossary.find(
          ({ forbidden, onlyOfFunctions }) =>
            forbidden.test(word) && (!onlyOfFunctions || (index === 0 && isVerb(declaration))),
        );
        return term ? [{ ...declaration, word, family: term.family, allowed: term.allowed }] : [];
      }),
    );
}

/** Functions are named by verbs. The types of functions, and components, are nouns, with a capital. */
function isVerb({ name, isFunction }: Declaration): boolean {
  return isFunction && /^[a-z]/.test(name);
}

/** `tellAll` and `TELL_ALL` are `tell` and `all`. */
function wordsOf(name: string): string[] {
  return (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []).map((word) => word.toLowerCase());
}

/** A relative clause in a subject's place, where a sentence begins. */
const relativeClause = /(?:^|[.:!?]\s+|\n\s*\n)(?:What|Who)(?:ever|m|se)?\b/;

/** The comments with a sentence that begins with a What… or Who… clause, each with its place. */
export function findRelativeClauses(files: readonly ParsedFile[]): string[] {
  return files
    .flatMap((file) => file.comments)
    .filter(({ text }) => relativeClause.test(text))
    .map(placeOfComment);
}

const longFunction = 40;

/** The files that a reader of `from` may have to open: all that it imports, and what those import. */
function importClosure(files: readonly ParsedFile[], from: string): ParsedFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set([from]);
  for (const path of reached) {
    for (const imported of byPath.get(path)?.imports ?? []) if (byPath.has(imported)) reached.add(imported);
  }
  return [...reached].map((path) => byPath.get(path) as ParsedFile);
}

/** The files on the shortest way along the imports from `from` to one whose code matches. */
function pathTo(files: readonly ParsedFile[], from: string, code: RegExp): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const ways: string[][] = [[from]];
  const reached = new Set([from]);
  for (const way of ways) {
    const file = byPath.get(way.at(-1) as string);
    if (file && code.test(file.code)) return way;
    for (const imported of file?.imports ?? []) {
      if (reached.has(imported)) continue;
      reached.add(imported);
      ways.push([...way, imported]);
    }
  }
  throw new Error(`no import of ${from} leads to a file that matches ${code}: has the statement moved?`);
}

const enqueue = "src/jobs/enqueue/enqueue.ts";
const statement = /insert into \$\{soniqJobs\}/;

interface Figure {
  readonly label: string;
  readonly value: string;
  /** What `--list` shows below it. */
  readonly places: readonly string[];
}

function houseFigures(files: readonly ParsedFile[]): Figure[] {
  const functions = files.flatMap((file) => file.functions).toSorted((a, b) => b.lines - a.lines);
  const long = functions.filter(({ lines }) => lines > longFunction);
  const comments = files.flatMap((file) => file.comments);
  const clauses = findRelativeClauses(files);
  const lines = sum(files.map((file) => file.lines));
  const commentLines = sum(comments.map((comment) => comment.lines));
  const names = findForbiddenNames(files);
  const declared = files.filter(({ path }) => path.startsWith("src/")).flatMap(({ declarations }) => declarations);
  const closure = importClosure(files, enqueue);
  const hops = pathTo(files, enqueue, statement);
  const bySize = files.toSorted((a, b) => b.lines - a.lines);
  const figure = (label: string, value: string | number, places: readonly string[] = []) => ({
    label,
    value: String(value),
    places,
  });
  const ofFamily = (family: Family, label: string) => {
    const found = names.filter((name) => name.family === family);
    return figure(label, found.length, found.map(placeOfName).toSorted());
  };
  return [
    figure("files of src and schema", files.length),
    figure(
      "lines per file, median / largest",
      `${median(files.map((file) => file.lines))} / ${bySize[0]?.lines}`,
      bySize.slice(0, 5).map((file) => `${file.path}: ${file.lines}`),
    ),
    figure("functions", functions.length),
    figure("lines per function, median", median(functions.map((each) => each.lines))),
    figure(
      `functions over ${longFunction} lines`,
      long.length,
      long.map((each) => `${each.place} ${each.name}: ${each.lines}`),
    ),
    figure("comments", comments.length),
    figure("lines that are comments", `${((100 * commentLines) / lines).toFixed(1)} % of ${lines}`),
    figure("comments with a sentence of What… or Who…", clauses.length, clauses),
    figure("names declared in src", declared.length),
    ofFamily("speech", "names with tell, say, hear"),
    ofFamily("participle", "functions named by a participle"),
    ofFamily("superlative", "names with most, longest, fewest"),
    ofFamily("dialect", "names with other words of the house's own"),
    figure("files from enqueue to its statement", hops.length, hops),
    figure(
      "files that enqueue imports, in all",
      `${closure.length}, ${sum(closure.map((file) => file.lines))} lines`,
      closure.map(({ path }) => path).toSorted(),
    ),
  ];
}

const placeOfName = ({ word, name, place, allowed }: ForbiddenName) => `${word}: ${name}, ${place} (${allowed})`;

const placeOfComment = ({ place, text }: Comment) =>
  `${place} ${text
    .slice(text.search(relativeClause))
    .replace(/^[.:!?\s]+/, "")
    .replace(/\s+/g, " ")
    .slice(0, 80)}`;

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

if (process.argv[1] === import.meta.filename) {
  const figures = houseFigures(parsedFiles());
  const width = Math.max(...figures.map(({ label }) => label.length));
  for (const { label, value, places } of figures) {
    console.log(`${label.padEnd(width)}  ${value}`);
    if (process.argv.includes("--list")) for (const place of places) console.log(`    ${place}`);
  }
}
