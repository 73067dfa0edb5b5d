// What the README and the documentation show must work when it is typed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allCommands, whatIsMissing } from "./command-lines.ts";
import { anchors, commands, links } from "./markdown.ts";
import { pageSamples, type Sample } from "./page-samples.ts";
import { pages } from "./pages.ts";
import { root } from "./source-files.ts";

const read = (page: string) => readFileSync(join(root, page), "utf8");

// Within the repository, so that packages are found; ignored by git.
mkdirSync(join(root, ".out"), { recursive: true });
const home = mkdtempSync(join(root, ".out/readme-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/**
 * Compiles the TypeScript of some pages, all in one go. A block may import the files that `pageSamples` finds for its page.
 *
 * @param texts by path, such as `docs/guide/results.md`
 * @returns by page, what the compiler says; of a block that other pages borrow, once
 */
function compile(texts: Record<string, string>): Record<string, string[]> {
  const project = mkdtempSync(join(home, "project-"));
  const files = new Map<string, Sample>();
  for (const [page, samples] of pageSamples(texts))
    for (const [name, sample] of samples) {
      const path = join(page.replace(/\.md$/, ""), name);
      files.set(path, sample);
      mkdirSync(dirname(join(project, path)), { recursive: true });
      writeFileSync(join(project, path), sample.lines.join("\n"));
    }
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(tsconfig));
  const { stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--pretty", "false"], {
    cwd: project,
    encoding: "utf8",
  });
  const said: Record<string, string[]> = Object.fromEntries(Object.keys(texts).map((page) => [page, []]));
  for (const problem of stdout.split(/\n(?=\S)/).filter((line) => line.trim() !== "")) {
    const [, path = "", line, message] = /^(.*?)\((\d+),\d+\): ([^]*)$/.exec(problem) ?? [];
    // What is wrong with the sources, the repository's own check says.
    if (path.startsWith("../")) continue;
    const sample = files.get(path);
    if (!sample) throw new Error(`the compiler says something of no page: ${problem}`);
    said[sample.page]?.push(`${sample.origins[Number(line) - 1]}: ${message?.trim()}`);
  }
  return Object.fromEntries(Object.entries(said).map(([page, problems]) => [page, [...new Set(problems)]]));
}

/** As strict as readers have it, with the sources of this package in place of the package. */
const tsconfig = {
  compilerOptions: {
    target: "es2023",
    module: "nodenext",
    moduleDetection: "force",
    lib: ["es2023", "es2024.string"],
    types: ["node"],
    strict: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
    noEmit: true,
    paths: {
      "soniq-drizzle": [`${root}/src/index.ts`],
      "soniq-drizzle/admin": [`${root}/src/admin.ts`],
      "soniq-drizzle/metrics": [`${root}/src/metrics.ts`],
      "soniq-drizzle/node-postgres": [`${root}/src/database/node-postgres.ts`],
      "soniq-drizzle/pglite": [`${root}/src/database/pglite.ts`],
      "soniq-drizzle/testing": [`${root}/src/testing.ts`],
      "soniq-drizzle/webhooks": [`${root}/src/webhooks.ts`],
      "soniq-drizzle/dashboard": [`${root}/src/dashboard.ts`],
      "soniq-drizzle/schema": [`${root}/schema/index.ts`],
    },
  },
};

describe("of the pages", () => {
  let said: Record<string, string[]>;
  beforeAll(() => (said = compile(Object.fromEntries(pages.map((page) => [page, read(page)])))));

  test.each(pages)("%s: its TypeScript compiles", (page) => {
    expect(said[page]).toEqual([]);
  });

  test.each(pages)("%s: its commands exist", (page) => {
    expect(commands(read(page)).flatMap(whatIsWrong)).toEqual([]);
  });

  test.each(pages)("%s: the files and headings that it links to exist", (page) => {
    const broken = links(page, read(page)).filter(({ file, anchor }) => {
      if (!existsSync(join(root, file))) return true;
      return anchor !== "" && file.endsWith(".md") && !anchors(read(file)).has(anchor);
    });
    expect(broken).toEqual([]);
  });
});

test("README.md has at most 8 KB: the rest is in docs/", () => {
  expect(Buffer.byteLength(read("README.md"))).toBeLessThanOrEqual(8_192);
});

test("a page of docs/ has at most 10 KB: a longer one is two", () => {
  const long = pages.filter((page) => page.startsWith("docs/") && Buffer.byteLength(read(page)) > 10_240);
  expect(long).toEqual([]);
});

test("docs/index.md links to every page of docs/", () => {
  const linked = new Set(links("docs/index.md", read("docs/index.md")).map(({ file }) => file));
  expect(pages.filter((page) => page.startsWith("docs/") && page !== "docs/index.md" && !linked.has(page))).toEqual([]);
});

test("docs/reference/cli.md lists every command, in the order of --help", () => {
  const rows = [...read("docs/reference/cli.md").matchAll(/^\| `npx soniq-drizzle ([^`<]+?)(?: <[\w.]+>)*`/gm)];
  expect(rows.map(([, command]) => command)).toEqual(allCommands());
});

/** What is wrong with a command of npm's, or of ours. */
function whatIsWrong(command: string): string[] {
  const [program, verb = "", ...rest] = command.split(/\s+/);
  if (program === "npm") {
    const workspace = rest[rest.findIndex((word) => word === "-w" || word === "--workspace") + 1] as string;
    const name = verb === "run" ? rest.find((word) => !word.startsWith("-")) : verb === "test" ? "test" : undefined;
    const known = scripts(rest.includes("-w") || rest.includes("--workspace") ? workspace : ".");
    return name === undefined || known.includes(name) ? [] : [`${command}: there is no script ${name}`];
  }
  if (program !== "npx" || verb !== "soniq-drizzle") return [];
  return whatIsMissing(rest).map((missing) => `${command}: ${missing}`);
}

function scripts(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as { scripts?: object };
  return Object.keys(manifest.scripts ?? {});
}

describe("of a sample page", () => {
  const fence = "```";
  const sample = (wrong: string) => `
# Sample
${fence}ts
// jobs.ts
import { defineJob } from "soniq-drizzle";
import * as v from "valibot";
export const mail = defineJob({ name: "mail", payload: v.object({ to: v.string() }) });
${fence}
## Enqueue
${fence}ts
import { drizzle } from "drizzle-orm/postgres-js";
import { enqueue } from "soniq-drizzle";
import { mail } from "./jobs.js";
await enqueue(drizzle(""), mail, { to: ${wrong} });
${fence}`;

  test("a block that does not compile is named by its page, line and heading", () => {
    const said = compile({ "GOOD.md": sample('"me"'), "BAD.md": sample("7") });
    expect(said["GOOD.md"]).toEqual([]);
    expect(said["BAD.md"]).toEqual([expect.stringMatching(/^BAD\.md:14, under "Enqueue": error TS2322/)]);
  });

  test("a block may import a file of a page that its page links to, and of no other", () => {
    const block = `${fence}ts\nimport { mail } from "./jobs.js";\nconsole.log(mail.name);\n${fence}`;
    const said = compile({
      "docs/sample.md": sample('"me"'),
      "docs/guide/good.md": `It builds on [the sample](../sample.md).\n${block}`,
      "docs/guide/bad.md": block,
    });
    expect(said["docs/guide/good.md"]).toEqual([]);
    expect(said["docs/guide/bad.md"]).toEqual([expect.stringContaining("TS2307")]);
  });

  test("a command that does not exist is named", () => {
    const page = `${fence}sh\nDATABASE_URL=x npm run nothing # really\n${fence}
      \`npx soniq-drizzle work --drain --wait 2s\`, \`npx soniq-drizzle work --fast\`, \`npx soniq-drizzle play\`, \`npx soniq-drizzle dead list --tag a\`, \`npx soniq-drizzle dead end\`, \`npm run build\``;
    expect(commands(page).flatMap(whatIsWrong)).toEqual([
      "npm run nothing: there is no script nothing",
      "npx soniq-drizzle work --fast: soniq-drizzle work has no --fast",
      "npx soniq-drizzle play: there is no command play",
      "npx soniq-drizzle dead end: there is no command dead end",
    ]);
  });
});
