// The documentation and the JSDoc of the settings say the defaults that the worker has.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { defaults } from "../../src/worker/settings/defaults.ts";
import { pages } from "./pages.ts";
import { root } from "./source-files.ts";

const read = (path: string) => readFileSync(join(root, path), "utf8");

const { concurrency, retention, timeout, ...plain } = defaults;

/** As a page or a docstring writes a value: a duration with its quotes. */
const written = (value: string | number) => (typeof value === "string" ? `\`"${value}"\`` : String(value));

/** `24 h` for `24h`. */
const spaced = (duration: string) => duration.replace(/(\d)([a-z])/, "$1 $2");

/** What a page says to be the default, by setting: of its tables that have such a column. */
function defaultsIn(page: string): Map<string, string> {
  const said = new Map<string, string>();
  let column = -1;
  for (const line of page.split("\n")) {
    const cells = line.startsWith("|") ? line.split("|").map((cell) => cell.trim()) : [];
    if (cells.length === 0) column = -1;
    const [, name] = /^`(\w+)`$/.exec(cells[1] ?? "") ?? [];
    if (name === undefined) column = cells.includes("default") ? cells.indexOf("default") : column;
    else if (column !== -1) said.set(name, cells[column] as string);
  }
  return said;
}

const tables = pages.map((path) => defaultsIn(read(path)));

/** The one page that lists a setting beside another, which only the right page has. */
function tableWith(...settings: string[]): Map<string, string> {
  const [table, ...others] = tables.filter((said) => settings.every((setting) => said.has(setting)));
  expect(others, `one page lists ${settings.join(" and ")}`).toEqual([]);
  return table ?? new Map<string, string>();
}

test("the table of the worker's settings says their defaults", () => {
  const said = tableWith("batchSize", "unknownJobGrace");
  expect(Object.fromEntries(Object.keys(plain).map((setting) => [setting, said.get(setting)]))).toEqual(
    Object.fromEntries(Object.entries(plain).map(([setting, value]) => [setting, written(value)])),
  );
  expect(said.get("queues")).toContain(`${concurrency} each`);
  expect(said.get("retention")).toBe(Object.values(retention).map(spaced).join(", "));
});

test("the table of a definition's settings says how long an attempt may take", () => {
  expect(tableWith("backoff", "timeout").get("timeout")).toBe(written(timeout));
});

/** The docstring of a property, on one line. */
function docOf(path: string, property: string): string {
  const [before = ""] = read(path).split(`  readonly ${property}?:`);
  return before.slice(before.lastIndexOf("/**")).replace(/\n *\* /g, " ");
}

const documented: readonly [path: string, property: string, words: string][] = [
  ...Object.entries(plain).map(
    ([setting, value]) =>
      ["src/worker/settings/config.ts", setting, `Default ${written(value)}`] as [string, string, string],
  ),
  ["src/worker/settings/config.ts", "queues", `Default: those of the definitions, ${concurrency} each`],
  ...Object.entries(retention).map(
    ([state, kept]) =>
      ["src/jobs/definition/define-job.ts", state, `Default ${written(kept)}`] as [string, string, string],
  ),
  ["src/jobs/definition/define-job.ts", "timeout", `Default ${written(timeout)}`],
];

test.each(documented)("in %s, the docstring of %s says: %s", (path, property, words) => {
  expect(docOf(path, property)).toContain(words);
});
