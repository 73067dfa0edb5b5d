import { expect, test } from "vitest";
import { testDatabase } from "../../support/database.ts";
import { runExample } from "../../support/example.ts";

const { url } = await testDatabase({ migrated: false });

test("the example of dead letters tells its story", async () => {
  expect(await runExample("features/dead-letters.ts", url)).toEqual([
    "while the mail server is down:",
    "  3 × mail: out of attempts (Error)",
    "  1 × mail: invalid payload (InvalidValueError)",
    "after the mail server is up again:",
    "  a mail to ada",
    "another job has taken bob's unique key, and none has taken cleo's:",
    "  refused: key-held",
    "  a mail to bob",
    "  a mail to cleo",
    "with a mapping to the current payload:",
    "  a mail to dan",
    "purged: 1",
  ]);
});
