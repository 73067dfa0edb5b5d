import { SoniqError, checkObject } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { version } from "../core/version.js";
import { ConnectionLoss, type Transactional, type TransactionSlot } from "../database/transaction-slot.js";
import { TransactionSlots } from "../database/transaction-slots.js";
import { claim, type ClaimedJob } from "../jobs/claim/claim.js";
import { queueStart } from "../jobs/claim/claim-positions.js";
import type { Outcome } from "../jobs/settle/outcome.js";
import { plainSettleStrategy, settle } from "../jobs/settle/settle.js";
import type { ScheduleDefinition } from "../schedules/define-schedule.js";
import { toStoredSchedule } from "../schedules/stored-schedule.js";
import { endSession, openSession } from "../sessions/session.js";
import { concludeSettle, type WrittenEnd } from "../worker/attempt/attempt-end.js";
import type { Handlers } from "../worker/settings/config.js";
import { emitEnd } from "../worker/attempt/emit-end.js";
import { EventJob } from "../worker/events/event-job.js";
import type { SettledEvent, WorkerEventListener } from "../worker/events/events.js";
import { LogWriter } from "../worker/attempt/log-writer.js";
import type { Middleware } from "../worker/settings/middleware.js";
import { Attempt, type AttemptDeps } from "../worker/attempt/attempt.js";
import { type Runnable, buildRunnables } from "../worker/settings/runnables.js";
import { Turns } from "../worker/timing/turns.js";
import { emitToAll } from "../worker/events/emit-to-all.js";
import { findDueQueues } from "./due-now.js";
import { fireSchedules } from "./fire-schedules.js";
import { requireTransaction } from "./require-transaction.js";

/** The part of a worker's configuration that applies in a test. A complete configuration is accepted, too. */
export interface TestConfig<Jobs, Tx> {
  readonly jobs: Jobs;
  readonly handlers: Handlers<Jobs, Tx>;
  /** The schedules whose due ticks fire: the ticks that the test has travelled past. */
  readonly schedules?: readonly ScheduleDefinition[];
  readonly middleware?: readonly Middleware[];
  readonly onEvent?: WorkerEventListener;
}

/** Jobs may enqueue jobs that enqueue more jobs, but hardly more than 100 times over. */
const maxIterations = 100;
const jobsPerClaim = 1_000;
const leaseMs = 86_400_000;
/** No other worker could accept an invalid payload, so there is no grace period for it. */
const limits = { timeoutGraceMs: 5_000, unknownJobGraceMs: 600_000, refusedGraceMs: 0, maxCrashes: 5 };
/** The test's transaction ends before any job could be pruned. */
const keepForever = { completed: Infinity, cancelled: Infinity, dead: Infinity };

/**
 * Fires the due ticks of the configuration's schedules, and runs all due jobs, including the jobs that they enqueue. The jobs run one
 * after the other in the test's own transaction, and `job.transaction` gives the handler a savepoint of it. A job that fails or is
 * snoozed runs again once the test has travelled past its delay, which is always the maximum that its backoff allows. Published
 * webhooks stay queued: nothing is sent.
 *
 * @param tx the test's transaction
 * @param config the application's configuration; or its jobs, with handlers that replace the application's own
 * @returns the end of each attempt, in order
 * @throws ConfigError if handlers are missing
 * @throws InvalidValueError if the payload of a schedule is invalid
 * @throws SoniqError if jobs enqueue each other, or are retried without delay, endlessly
 */
export async function runJobs<const Jobs extends object, Tx extends Queryable>(
  tx: Tx,
  config: TestConfig<Jobs, Tx>,
): Promise<SettledEvent[]> {
  requireTransaction(tx, "runJobs");
  checkObject(config, "config", "give an object with `jobs` and `handlers`");
  const { jobs, handlers, schedules = [], middleware = [], onEvent } = config;
  const runnables = buildRunnables(jobs as Record<string, unknown>, handlers, keepForever, middleware);
  const emit = emitToAll(onEvent ? [onEvent] : []);
  const storedSchedules = await Promise.all(schedules.map(toStoredSchedule));
  const definitions = Object.fromEntries(storedSchedules.map(({ name, definition }) => [name, definition]));
  const worker = { host: "test", pid: process.pid, version, queues: {}, schedules: definitions };
  const workerId = await openSession(tx, { ...worker, leaseMs });
  if (storedSchedules.length > 0) await fireSchedules(tx, storedSchedules);
  const deps = createAttemptDeps(tx, emit);
  const events: SettledEvent[] = [];
  for await (const job of claimJobs(tx, workerId))
    events.push(
      await runAttempt(tx, new Attempt(job, workerId, performance.now(), deps), runnables.get(job.name), emit),
    );
  await endSession(tx, workerId);
  return events;
}

async function* claimJobs(tx: Queryable, workerId: string): AsyncGenerator<ClaimedJob> {
  let claimToken = 0;
  const input = { workerId, limit: jobsPerClaim, from: queueStart, deadlines: "{}", defaultDeadlineMs: leaseMs };
  for (let iteration = 0; iteration < maxIterations; iteration += 1) {
    let claimed = 0;
    for (const queue of await findDueQueues(tx)) {
      const jobs = await claim(tx, { ...input, queue, claimToken: (claimToken += 1) });
      claimed += jobs.length;
      yield* jobs;
    }
    if (claimed === 0) return;
  }
  throw new SoniqError(
    `runJobs: after ${maxIterations} iterations, more jobs are due: do they enqueue each other endlessly?`,
  );
}

async function runAttempt(
  tx: Queryable,
  attempt: Attempt,
  runnable: Runnable | undefined,
  emit: WorkerEventListener,
): Promise<SettledEvent> {
  const { job, startedAt } = attempt;
  if (runnable) emit({ type: "started", job: new EventJob(job) });
  const end = await attempt.execute(runnable);
  const runMs = performance.now() - startedAt;
  const written = end.kind === "unsettled" ? await settleNow(tx, attempt, end.outcome, end.logs) : end;
  const event = emitEnd(emit, job, written, runMs);
  if (event) return event;
  throw new SoniqError(`runJobs: the job ${job.name} #${job.id} was changed while it ran, and could not be settled`);
}

async function settleNow(
  tx: Queryable,
  attempt: Attempt,
  outcome: Outcome,
  logs: string | undefined,
): Promise<WrittenEnd> {
  const { id, claimToken } = attempt.job;
  const [settled] = await settle(tx, attempt.workerId, [{ id, claimToken, outcome, logs }]);
  return concludeSettle(outcome, settled?.state);
}

/** Creates the parts of a worker that attempts use, all of them on the test's transaction. */
function createAttemptDeps(tx: Queryable, emit: WorkerEventListener): AttemptDeps {
  return {
    transactions: {
      slots: new TransactionSlots(() => createSavepointSlot(tx), 1),
      db: tx,
      deletedOnCompletion: new Set(),
      chooseStrategy: () => plainSettleStrategy,
      limitTransaction: async () => ({ timeoutMs: Infinity, cancel: () => {} }),
      hasTimeouts: false,
    },
    logs: new LogWriter(tx, emit),
    limits,
    turns: new Turns(() => false),
    random: () => 1,
    emit,
  };
}

function createSavepointSlot(tx: Queryable): TransactionSlot {
  const loss = new ConnectionLoss(Infinity);
  return { db: tx as Transactional<Queryable>, loss, destroy: () => loss.recordLoss() };
}
