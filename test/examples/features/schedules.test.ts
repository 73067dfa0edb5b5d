import { expect, test } from "vitest";
import { testDatabase } from "../../support/database.ts";
import { runExample } from "../../support/example.ts";

const { url } = await testDatabase({ migrated: false });

test("the example of schedules tells its story", async () => {
  expect(await runExample("features/schedules.ts", url)).toEqual([
    "half past two in Berlin, across a clock change:",
    "  2026-03-28T01:30:00.000Z",
    "  2026-03-29T01:00:00.000Z",
    "  2026-03-30T00:30:00.000Z",
    "live: paused, 0 next ticks",
    "nightly: active, 5 next ticks",
    "three workers, one report each second: true",
    "triggered by hand: Europe",
  ]);
});
