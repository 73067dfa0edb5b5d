import { expect, test } from "vitest";
import { testDatabase } from "../../support/database.ts";
import { runExample } from "../../support/example.ts";

const { url } = await testDatabase({ migrated: false });

test("the example of queues tells its story", async () => {
  expect(await runExample("features/queues.ts", url)).toEqual([
    "while billing is paused:",
    "  a mail",
    "  billing: paused, 4 due",
    "after billing is resumed:",
    "  the urgent invoice",
    "  the first invoice",
    "  the second invoice",
    "  the third invoice",
    "  billing: active, 0 due",
  ]);
});
