// A few signals at random moments of a worker's life. Two hundred of them: `npm run chaos -- --scenario sigterm`.
import { expect, test } from "vitest";
import { sigterm } from "../chaos/scenarios/sigterm.ts";
import { testDatabase } from "../support/database.ts";
import { seed } from "../support/random.ts";

const { url } = await testDatabase();

test("whenever the signal comes, the process ends in time and well, and leaves each job as if nobody had interrupted it", async () => {
  const { figures, violations } = await sigterm({ url, seed, signals: 10 });
  expect(violations, `seed ${seed}`).toEqual([]);
  expect(figures).toMatchObject({ signals: 10, completed: figures["enqueued"] });
}, 300_000);
