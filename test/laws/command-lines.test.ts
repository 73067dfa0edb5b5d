// A command that any text of ours names can be typed: it exists, and so do its options.
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { expect, test } from "vitest";
import { createProgram } from "../../src/cli/program.ts";
import { allCommands, namedCommands, whatIsMissing } from "./command-lines.ts";
import { root } from "./source-files.ts";

const missingIn = (text: string) =>
  namedCommands(text).flatMap(({ line, words }) => whatIsMissing(words).map((missing) => `${line}: ${missing}`));

/** What users read: the pages, the examples, and whatever the sources print or show. The changelog tells of the past. */
function texts(): string[] {
  const folders = ["bench/results", "docs", "examples", "src"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
      .map((entry) => posix.join(entry.parentPath.slice(root.length), entry.name)),
  );
  const pages = readdirSync(root).filter((file) => file.endsWith(".md") && file !== "CHANGELOG.md");
  return [...pages, "bench/README.md", ...folders].filter((path) => !/\.(png|csv|sql)$/.test(path));
}

test("every command that a text names exists", () => {
  const found = texts().map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
  expect(found.flatMap(({ path, text }) => missingIn(text).map((missing) => `${path}:${missing}`))).toEqual([]);
  // It reads what it means to read.
  const read = found.filter(({ text }) => namedCommands(text).length > 0).map(({ path }) => path);
  for (const each of [
    "README.md",
    "docs/reference/cli.md",
    "src/core/missing-tables.ts",
    "src/dashboard/app/pages/webhooks.tsx",
    "src/dashboard/app/index.html",
    "src/cli/commands/work.ts",
    "examples/shop/README.md",
    "examples/deploy/kubernetes.yaml",
  ])
    expect(read).toContain(each);
});

test.for(allCommands())("an error in `%s` is one line, and names the command that has its help", async (path) => {
  const program = await createProgram();
  const command = path.split(" ").reduce((at, name) => at.commands.find((each) => each.name() === name) ?? at, program);
  let said = "";
  command.configureOutput({ writeErr: (text) => (said += text) });
  await expect(program.parseAsync([...path.split(" "), "--no-such-option"], { from: "user" })).rejects.toThrow(
    "unknown option",
  );
  expect(said.trim().split("\n")).toEqual([
    "error: unknown option '--no-such-option'",
    `Run soniq-drizzle ${path} --help for the available commands and options.`,
  ]);
});

test.for([
  [
    "Register one: <code>npx soniq-drizzle webhooks add https://example.com</code>",
    "1: there is no command webhooks add",
  ],
  ["`npx soniq-drizzle dead list --since 1h` or `soniq-drizzle ded list`", "1: there is no command ded"],
  ['CMD ["npx", "soniq-drizzle", "work", "--helth-port", "8080"]', "1: soniq-drizzle work has no --helth-port"],
  ["command: [node_modules/.bin/soniq-drizzle, migrate, --now]", "1: soniq-drizzle migrate has no --now"],
  ["run soniq-drizzle jobs retry 7 --all, and soniq-drizzle is done", "1: soniq-drizzle jobs retry has no --all"],
  ["\\n  soniq-drizzle work --drian\\n  soniq-drizzle work --drain", "1: soniq-drizzle work has no --drian"],
] as const)("in %j, something does not exist", ([text, missing]) => {
  expect(missingIn(text)).toEqual([missing]);
});

test.for([
  "npm install soniq-drizzle drizzle-orm postgres",
  "Description=soniq-drizzle worker",
  "but soniq-drizzle found drizzle-orm 1: install soniq-drizzle beside it",
  "`npx soniq-drizzle jobs`, `soniq-drizzle dead ${name} --name send-invoice`, `soniq-drizzle --version`",
])("in %j, nothing is wrong", (text) => {
  expect(missingIn(text)).toEqual([]);
});
