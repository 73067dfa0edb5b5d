import { expect, test } from "vitest";
import { testDatabase } from "../../support/database.ts";
import { runExample } from "../../support/example.ts";

const { url } = await testDatabase({ migrated: false });

test("the example of dead letters tells its story", async () => {
  expect(await runExample("features/dead-letters.ts", url)).toEqual([
    "while the mail server is down:",
    "  3 × mail: out of attempts (Error)",
    "  1 × mail: invalid payload (InvalidValueError)",
    "once it is up again:",
    "  a mail to ada",
    "bob's key was taken meanwhile, and cleo's was not:",
    "  one stays: key held",
    "  a mail to bob",
    "  a mail to cleo",
    "with a payload as it is today:",
    "  a mail to dan",
    "1 was left, and is deleted",
  ]);
});
