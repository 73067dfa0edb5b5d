// What an attempt comes to, by how its handler and its transaction ended, and what interrupted it.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, Discard, InvalidValueError, Snooze } from "../../src/index.ts";
import type { ClaimedJob } from "../../src/jobs/claim/claim.ts";
import type { Outcome } from "../../src/jobs/settle/outcome.ts";
import {
  type AttemptEnd,
  concludeAttempt,
  concludeSettle,
  type HandlerEnd,
  type TransactionEnd,
} from "../../src/worker/attempt/attempt-end.ts";
import type { Interruption } from "../../src/worker/attempt/interruption.ts";

const job: ClaimedJob = {
  id: 1,
  name: "work",
  queue: "default",
  priority: 5,
  runAt: "2030-01-01 00:00:00.000000+00",
  claims: 1,
  claimToken: 9,
  attempt: 1,
  maxAttempts: 10,
  crashes: 0,
  waitMs: 0,
  payload: "null",
  tags: "[]",
  meta: "{}",
};
const definition = defineJob({ name: "work", payload: v.null() });
const limits = { refusedGraceMs: 600_000, maxCrashes: 5 };
const attempt = { job, definition, workerId: "the session", limits, random: 1 };
const abortError = new DOMException("the job's timeout has passed", "TimeoutError");

function concluded(
  handler: HandlerEnd,
  { transaction, interruption }: { transaction?: TransactionEnd; interruption?: Interruption } = {},
): AttemptEnd {
  return concludeAttempt(attempt, { handler, transaction, interruption, abortError });
}

const returned = { returned: undefined };
const threw = { threw: new Error("no paper") };
const refused = { refused: new InvalidValueError("payload", "is missing") };
const gaveUp = { threw: abortError };

const completed: Outcome = { kind: "completed", result: null };
const snoozed: Outcome = { kind: "snoozed", delayMs: 5 };
const error = new Error("its own error");
const transactions = {
  committed: { kind: "committed", outcome: completed, state: "completed", returned: undefined },
  rolledBack: { kind: "rolled back", outcome: snoozed, returned: new Snooze(5) },
  fenced: { kind: "fenced", outcome: completed, error },
  disconnected: { kind: "disconnected", error },
  notBegun: { kind: "not started", error },
  failed: { kind: "failed", error },
} satisfies Record<string, TransactionEnd>;

const unsettled = (outcome: object) => ({ kind: "unsettled", outcome });
const retried = unsettled({ kind: "retried", thrown: threw.threw });
const left = { kind: "left" };

describe("without a transaction", () => {
  test.each<[interruption: Interruption | undefined, whenItReturned: object, whenItThrew: object]>([
    [undefined, unsettled(completed), retried],
    ["timeout", unsettled(completed), unsettled({ kind: "retried", thrown: abortError })],
    ["cancel", unsettled(completed), unsettled({ kind: "cancelled" })],
    ["shutdown", unsettled(completed), unsettled({ kind: "released", delayMs: 0, ran: true })],
    ["crash", unsettled(completed), left],
    ["taken", left, left],
  ])("an attempt that was interrupted by %s comes to what its handler allows", (interruption, onReturn, onThrow) => {
    const interrupted = interruption ? { interruption } : {};
    expect(concluded(returned, interrupted)).toEqual(onReturn);
    expect(concluded(threw, interrupted)).toMatchObject(onThrow);
  });

  test.each<[string, HandlerEnd]>([
    ["returns", { returned: new Discard("no such order") }],
    ["throws", { threw: new Discard("no such order") }],
  ])("a directive that the handler %s is obeyed", (_, handler) => {
    expect(concluded(handler)).toMatchObject(unsettled({ kind: "dead", reason: "discarded: no such order" }));
  });

  test("a payload that was refused waits for other code, whatever interrupted the attempt", () => {
    const waits = unsettled({ kind: "unknown", graceMs: 600_000, queue: "default", thrown: refused.refused });
    expect(concluded(refused)).toMatchObject(waits);
    expect(concluded(refused, { interruption: "shutdown" })).toMatchObject(waits);
  });
});

describe("a transaction", () => {
  const everyInterruption = [undefined, "timeout", "cancel", "taken", "shutdown", "crash"] as const;

  test.each(everyInterruption)("that was committed has settled its job, even if %s interrupted the attempt", (why) => {
    const ends = { transaction: transactions.committed, ...(why && { interruption: why }) };
    expect(concluded(returned, ends)).toEqual({ kind: "settled", outcome: completed, state: "completed" });
    expect(concluded(threw, ends)).toEqual({
      kind: "settled",
      outcome: completed,
      state: "completed",
      late: threw.threw,
    });
  });

  test("that was committed makes a directive of the handler late", () => {
    const { late } = concluded({ returned: new Snooze(1) }, { transaction: transactions.committed }) as { late: Error };
    expect(late.message).toContain("job.snooze() came after job.transaction had completed the job");
  });

  test.each(everyInterruption)(
    "that was fenced leaves nothing to settle, even if %s interrupted the attempt",
    (why) => {
      const ends = { transaction: transactions.fenced, ...(why && { interruption: why }) };
      expect(concluded(threw, ends)).toEqual({ kind: "fenced", outcome: completed });
    },
  );

  test("that was rolled back decides what the handler's return comes to, and nothing that it throws", () => {
    const { rolledBack: transaction } = transactions;
    expect(concluded(returned, { transaction })).toEqual(unsettled(snoozed));
    expect(concluded({ returned: new Discard("x") }, { transaction, interruption: "cancel" })).toEqual(
      unsettled(snoozed),
    );
    expect(concluded(returned, { transaction, interruption: "taken" })).toEqual(left);
    expect(concluded(threw, { transaction })).toMatchObject(retried);
  });

  const crashed = unsettled({ kind: "released", maxCrashes: 5, error: { message: "no paper" }, thrown: threw.threw });

  test.each<[interruption: Interruption | undefined, end: object]>([
    [undefined, crashed],
    ["timeout", crashed],
    ["cancel", unsettled({ kind: "cancelled" })],
    ["shutdown", unsettled({ kind: "released", delayMs: 0, ran: true })],
    ["crash", left],
    ["taken", left],
  ])("whose connection broke counts as a crash, unless more than a timeout interrupted it: %s", (interruption, end) => {
    const ends = { transaction: transactions.disconnected, ...(interruption && { interruption }) };
    expect(concluded(threw, ends)).toMatchObject(end);
  });

  test("that got no connection counts as nothing", () => {
    const end = concluded(threw, { transaction: transactions.notBegun, interruption: "timeout" });
    expect(end).toEqual(unsettled({ kind: "released", delayMs: expect.any(Number), thrown: threw.threw }));
  });

  test.each(["disconnected", "notBegun"] as const)(
    "that was %s under a handler which returns a directive all the same obeys that",
    (ended) => {
      const end = concluded({ returned: new Snooze(7) }, { transaction: transactions[ended] });
      expect(end).toEqual(unsettled({ kind: "snoozed", delayMs: 7 }));
    },
  );

  test("that failed fails its handler, as does one that has not ended when its handler is given up on", () => {
    expect(concluded(threw, { transaction: transactions.failed })).toMatchObject(retried);
    expect(concluded(gaveUp, { interruption: "timeout" })).toMatchObject(unsettled({ kind: "retried" }));
  });
});

test("a settle ends the attempt with the state that it left the job in, if the claim stood", () => {
  expect(concludeSettle(snoozed, "queued")).toEqual({ kind: "settled", outcome: snoozed, state: "queued" });
  expect(concludeSettle(snoozed, undefined)).toEqual({ kind: "fenced", outcome: snoozed });
  expect(concludeSettle(snoozed, "left")).toEqual(left);
});
