// Everybody at the same rows at once. For a minute: npm run chaos -- --scenario deadlocks.
import { expect, inject, test } from "vitest";
import { deadlocks } from "../chaos/scenarios/deadlocks.ts";
import { seed } from "../support/random.ts";

test(`settles, cancellations, rescues and bulk enqueues at the same rows fail for nobody, and none is stuck (seed ${seed})`, async () => {
  const { figures, violations } = await deadlocks({ url: inject("postgresUrl"), seed, seconds: 4 });
  expect(violations).toEqual([]);
  expect(figures["operations"]).toBeGreaterThan(0);
});
