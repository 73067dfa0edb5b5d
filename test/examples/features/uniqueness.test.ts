import { expect, test } from "vitest";
import { testDatabase } from "../../support/database.ts";
import { runExample } from "../../support/example.ts";

const { url } = await testDatabase({ migrated: false });

test("the example of uniqueness tells its story", async () => {
  expect(await runExample("features/uniqueness.ts", url)).toEqual([
    "sync again: the same job",
    "sync another account: a new job",
    "sync many: the same job, a new job, the same job",
    "charge again: refused",
    "indexed: draft",
    "saved: draft",
    "sync again after it has completed: a new job",
    "digest again after it has completed: the same job",
    "saved jobs: 1",
  ]);
});
