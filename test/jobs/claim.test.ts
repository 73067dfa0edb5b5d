// What a claim may bring. That each job has one winner is promise 3; in what order they come, test/worker/queues.test.ts.
import { expect, inject, test } from "vitest";
import { overclaim } from "../chaos/scenarios/overclaim.ts";
import { seed } from "../support/random.ts";

test(`whatever way the planner takes, a claim brings no more than was asked for, and nothing twice (seed ${seed})`, async () => {
  const { figures, violations } = await overclaim({ url: inject("postgresUrl"), seed, claims: 1_000 });
  expect(violations).toEqual([]);
  expect(figures["claims"]).toBeGreaterThanOrEqual(1_000);
  expect(figures["claimed"]).toBeGreaterThan(5_000);
});
