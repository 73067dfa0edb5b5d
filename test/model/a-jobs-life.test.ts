// Any sequence of what can happen to jobs, on PostgreSQL and on PGlite, leads where the model says.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Queryable } from "../../src/core/queryable.ts";
import { seed } from "../support/random.ts";
import { claimSteps } from "./claim-steps.ts";
import { enqueueSteps } from "./enqueue-steps.ts";
import { onPglite, onPostgres } from "./model-database.ts";
import { sessionSteps } from "./session-steps.ts";
import { Stage } from "./step.ts";
import { upkeepSteps } from "./upkeep-steps.ts";

const runs = Number(process.env["SONIQ_MODEL_RUNS"] ?? 30);

const life = fc.commands(
  [
    fc.oneof(
      { weight: 3, arbitrary: enqueueSteps },
      { weight: 10, arbitrary: claimSteps },
      { weight: 4, arbitrary: sessionSteps },
      { weight: 4, arbitrary: upkeepSteps },
    ),
  ],
  { maxCommands: 60, size: "max", disableReplayLog: true },
);

const databases: [string, () => Promise<Queryable>][] = [
  ["PostgreSQL", onPostgres],
  ["PGlite", onPglite],
];

test.each(databases)(
  `a job's life goes as the model says on %s (seed ${seed})`,
  async (_, open) => {
    const db = await open();
    const follows = fc.asyncProperty(life, (steps) =>
      fc.asyncModelRun(async () => {
        const stage = await Stage.open(db);
        return { model: stage.model, real: stage };
      }, steps),
    );
    const found = await fc.check(follows, { seed, numRuns: runs, unbiased: true });
    if (found.failed) {
      const again = `SONIQ_TEST_SEED=${seed} SONIQ_MODEL_RUNS=${runs} npx vitest run test/model`;
      throw new Error(`${fc.defaultReportMessage(found)}\nTo see it again: ${again}`, { cause: found.errorInstance });
    }
    expect(found.numRuns).toBe(runs);
  },
  300_000 + runs * 5_000,
);
