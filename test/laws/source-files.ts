import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A source file, read with as light a parser as imports need. */
export interface SourceFile {
  /** From the repository's root, such as `src/jobs/claim/claim.ts`. */
  readonly path: string;
  /** Its folder, such as `schema`, `src/core`, `src/jobs/claim`; for `src/index.ts`, itself. The dashboard has two: its server and its page. */
  readonly room: string;
  readonly text: string;
  /** The text without its comments. */
  readonly code: string;
  /** Each module that it imports: a source file's path, or a package's name as it is written. */
  readonly imports: readonly string[];
}

/** What runs in the browser. */
export const page = "src/dashboard/app";

/** Every file of code in `src` and `schema`. */
export function sourceFiles(): SourceFile[] {
  return ["schema", "src"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
      .map((entry) => sourceFile(posix.join(entry.parentPath.slice(root.length), entry.name)))
      .toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  );
}

function sourceFile(path: string): SourceFile {
  const text = readFileSync(join(root, path), "utf8");
  const code = withoutComments(text);
  return { path, room: roomOf(path), text, code, imports: importsOf(path, code) };
}

function roomOf(path: string): string {
  if (path.startsWith(`${page}/`)) return page;
  const [first = "", second = "", third = ""] = path.split("/");
  if (first !== "src") return first;
  const hasRooms = (second === "jobs" || second === "worker") && !third.includes(".");
  return hasRooms ? `${first}/${second}/${third}` : `${first}/${second}`;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

const importing = [
  // import … from "x"; export … from "x"
  /^(?:import|export)\b[^"';]*?\bfrom\s+"([^"]+)"/gm,
  // import "x"
  /^import\s+"([^"]+)"/gm,
  // import("x"), require("x")
  /\b(?:import|require)\(\s*"([^"]+)"\s*\)/g,
];

function importsOf(path: string, code: string): string[] {
  const names = importing.flatMap((pattern) => [...code.matchAll(pattern)].map(([, name]) => name as string));
  return names.map((name) => (name.startsWith(".") ? sourceOf(posix.join(posix.dirname(path), name)) : name));
}

/** What an import ending in `.js` means. */
function sourceOf(path: string): string {
  const tsx = path.replace(/\.js$/, ".tsx");
  return existsSync(join(root, tsx)) ? tsx : path.replace(/\.js$/, ".ts");
}
