// The first steps that readers take: what the pages show is typed into an empty folder, and run.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { codeBlocks } from "../laws/markdown.ts";
import { root, succeed } from "../package/fresh-project.ts";
import { testDatabase } from "../support/database.ts";

const installed = (file: string) => join(root, "node_modules", file);
const commands = {
  migrate: [["node", join(root, "bin/soniq-drizzle.js"), "migrate"]],
  "drizzle-kit": ["generate", "migrate"].map((verb) => ["node", installed("drizzle-kit/bin.cjs"), verb]),
};

// Within the repository, so that packages are found; ignored by git.
mkdirSync(join(root, ".out"), { recursive: true });
const home = mkdtempSync(join(root, ".out/first-steps-"));
afterAll(() => rmSync(home, { recursive: true }));

test.for([
  ["README.md", "migrate", await testDatabase({ migrated: false })],
  ["docs/get-started.md", "drizzle-kit", await testDatabase({ migrated: false })],
] as const)("the example of %s runs its job", async ([page, migrating, { url, sql }]) => {
  const folder = mkdtempSync(join(home, "project-"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  for (const { code } of codeBlocks(readFileSync(join(root, page), "utf8"))) {
    const name = /^\/\/ ([\w.-]+)$/m.exec(code)?.[1];
    if (name) writeFileSync(join(folder, name), code);
  }
  const environment = { DATABASE_URL: url };

  for (const command of commands[migrating]) await succeed(folder, command, environment);
  await succeed(folder, ["node", "--import", "tsx", "shop.ts"], environment);
  const work = ["node", join(root, "bin/soniq-drizzle.js"), "work", "--drain", "--wait", "2s"];
  expect(await succeed(folder, work, environment)).toContain("mailing the invoice of order 1");
  expect([...(await sql`select name, state from soniq_jobs`)]).toEqual([{ name: "send-invoice", state: "completed" }]);
});
