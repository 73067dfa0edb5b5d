import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { codeBlocks } from "../../laws/markdown.ts";
import { root, succeed } from "../../package/fresh-project.ts";
import { testDatabase } from "../../support/database.ts";
import { runExample } from "../../support/example.ts";

const { url } = await testDatabase({ migrated: false });
const migrated = await testDatabase();

test("a test runs jobs in its own transaction, travels in time, and leaves nothing behind", async () => {
  expect(await runExample("features/test-kit.ts", url)).toEqual([
    "at once: book-order completed",
    "orders within the test: [ { id: 1, state: 'booked' } ]",
    "enqueued: remind by mail, queued",
    "after a week: remind retried",
    "after the backoff: remind completed",
    'no job remind with {"orderId":2} was enqueued; existing jobs, newest first:',
    '  remind #…, completed: {"by":"mail","orderId":1}',
    '  book-order #…, completed: {"orderId":1}',
    "orders afterwards: []",
    "jobs afterwards: []",
  ]);
});

describe("the tests that docs/guide/testing.md shows pass", () => {
  // Within the repository, so that packages are found; ignored by git.
  mkdirSync(join(root, ".out"), { recursive: true });
  const folder = mkdtempSync(join(root, ".out/test-kit-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  for (const page of ["docs/get-started.md", "docs/guide/testing.md"])
    for (const { code } of codeBlocks(readFileSync(join(root, page), "utf8"))) {
      const name = /^\/\/ (jobs\.ts|invoices\..*)$/m.exec(code)?.[1];
      if (name) writeFileSync(join(folder, name), code);
    }
  // Else it would take this repository's own.
  writeFileSync(join(folder, "vitest.config.mjs"), "export default {};\n");

  test("with vitest", async () => {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const said = await succeed(folder, ["node", vitest, "run", "--root", "."], { DATABASE_URL: migrated.url });
    expect(said).toMatch(/Tests +2 passed/);
  });

  test("with node:test", async () => {
    const said = await succeed(folder, ["node", "--import", "tsx", "--test", "invoices.node-test.ts"], {
      DATABASE_URL: migrated.url,
    });
    expect(said).toMatch(/pass 1\b/);
  });
});
