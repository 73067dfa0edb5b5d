// Which test files need no server, no browser and no other process: `npm run test:fast` runs them alone.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const heavy =
  /\binject\b|"(node:child_process|node:cluster|postgres|pg|playwright-core|typescript|@electric-sql\/pglite|drizzle-orm\/(postgres-js|node-postgres|pglite))"/;
const localImport = /\bfrom "(\.[^"]+)"/g;

/** Paths from the repository's root. A test is fast if neither it nor a file of `test` that it imports needs more than this process. */
export function findFastTests(root: string): string[] {
  const isHeavy = new Map<string, boolean>();
  const needsMore = (path: string): boolean => {
    const known = isHeavy.get(path);
    if (known !== undefined) return known;
    isHeavy.set(path, false);
    const text = readFileSync(path, "utf8");
    const imports = [...text.matchAll(localImport)].map(([, name]) => join(dirname(path), name as string));
    const needs = heavy.test(text) || imports.some((file) => file.startsWith(join(root, "test")) && needsMore(file));
    isHeavy.set(path, needs);
    return needs;
  };
  return readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => join("test", path))
    .filter((path) => !needsMore(join(root, path)));
}
