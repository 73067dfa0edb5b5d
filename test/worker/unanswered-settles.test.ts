// For how long PostgreSQL has answered no settle: a worker then claims no more.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Queryable } from "../../src/core/queryable.ts";
import { Settler } from "../../src/worker/settle/settler.ts";
import type { Settled } from "../../src/jobs/settle/settlement.ts";
import { gate } from "../support/gate.ts";

let now = 0;
beforeEach(() => void vi.spyOn(performance, "now").mockImplementation(() => now));
afterEach(() => void vi.restoreAllMocks());

const outcome = { kind: "completed", result: null } as const;
const completed: Settled[] = [{ id: 1, claimToken: 1, state: "completed" }];

test("it counts from when a settle was sent, and ends with its answer", async () => {
  const [sent, answered] = [gate(), gate()];
  const settle = async () => {
    sent.open();
    await answered.opened;
    return completed;
  };
  const settler = new Settler(
    {} as Queryable,
    () => {},
    new Set(),
    false,
    10,
    () => ({ settle, settleUnlocked: settle, wouldSettle: async () => true, emitsEvents: false }),
  );
  const settling = settler.settle("a session", { id: 1, claimToken: 1, outcome });
  await sent.opened;
  now += 7_000;
  expect(settler.outageTimer.elapsedMs).toBe(7_000);
  answered.open();
  await settling;
  now += 7_000;
  expect(settler.outageTimer.elapsedMs).toBe(0);
});
