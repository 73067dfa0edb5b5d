import { SoniqError, checkObject } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import { version } from "../core/version.js";
import { ConnectionLoss, type Transactional, type TransactionSlot } from "../database/transaction-slot.js";
import { TransactionSlots } from "../database/transaction-slots.js";
import { claim, type ClaimedJob } from "../jobs/claim/claim.js";
import { fromTheBeginning } from "../jobs/claim/claim-positions.js";
import type { Outcome } from "../jobs/settle/outcome.js";
import { plainSettles, settle } from "../jobs/settle/settle.js";
import type { ScheduleDefinition } from "../schedules/define-schedule.js";
import { toStoredSchedule } from "../schedules/stored-schedule.js";
import { endSession, openSession } from "../sessions/session.js";
import { endOfSettle, type WrittenEnd } from "../worker/attempt/attempt-end.js";
import type { Handlers } from "../worker/settings/config.js";
import { emitEnd } from "../worker/attempt/emit-end.js";
import { EventJob } from "../worker/events/event-job.js";
import type { SettledEvent, WorkerEventListener } from "../worker/events/events.js";
import { LogWriter } from "../worker/attempt/log-writer.js";
import type { Middleware } from "../worker/settings/middleware.js";
import { Attempt, type AttemptDeps } from "../worker/attempt/attempt.js";
import { type Runnable, runnablesOf } from "../worker/settings/runnables.js";
import { Turns } from "../worker/timing/turns.js";
import { emitToAll } from "../worker/events/emit-to-all.js";
import { dueQueues } from "./due-now.js";
import { fireSchedules } from "./fire-schedules.js";
import { requireTransaction } from "./require-transaction.js";

/** What of a configuration counts in a test: all of it may be given. */
export interface TestConfig<Jobs, Tx> {
  readonly jobs: Jobs;
  readonly handlers: Handlers<Jobs, Tx>;
  /** Their ticks fire that are due: those that the test has travelled past. */
  readonly schedules?: readonly ScheduleDefinition[];
  readonly middleware?: readonly Middleware[];
  readonly onEvent?: WorkerEventListener;
}

/** Jobs enqueue jobs that enqueue jobs, but hardly so many times over. */
const maxRounds = 100;
const jobsPerClaim = 1_000;
const leaseMs = 86_400_000;
/** No other worker is there for a payload that is refused. */
const limits = { timeoutGraceMs: 5_000, unknownJobGraceMs: 600_000, refusedGraceMs: 0, maxCrashes: 5 };
/** The transaction ends before anything could be. */
const neverPruned = { completed: Infinity, cancelled: Infinity, dead: Infinity };

/**
 * Fires the ticks of the configuration's schedules that are due, runs all jobs that are, and those that they enqueue, one after the other, in the test's own transaction: what
 * `job.transaction` gives to a handler is a savepoint of it. What fails or is snoozed runs again once the test has travelled past
 * its delay, which is the longest that its backoff allows. Webhooks that were published stay queued: nothing is sent.
 *
 * @param tx the test's transaction
 * @param config the application's configuration; or jobs, and handlers that stand in for its own
 * @returns how each attempt ended, in order
 * @throws ConfigError for handlers that are missing
 * @throws InvalidValueError if the payload of a schedule is not valid
 * @throws SoniqError where jobs enqueue each other, or are tried again at once, without end
 */
export async function runJobs<const Jobs extends object, Tx extends Queryable>(
  tx: Tx,
  config: TestConfig<Jobs, Tx>,
): Promise<SettledEvent[]> {
  requireTransaction(tx, "drain");
  checkObject(config, "config", "give an object with `jobs` and `handlers`");
  const { jobs, handlers, schedules = [], middleware = [], onEvent } = config;
  const runnables = runnablesOf(jobs as Record<string, unknown>, handlers, neverPruned, middleware);
  const emit = emitToAll(onEvent ? [onEvent] : []);
  const stored = await Promise.all(schedules.map(toStoredSchedule));
  const carried = Object.fromEntries(stored.map(({ name, definition }) => [name, definition]));
  const about = { host: "test", pid: process.pid, version, queues: {}, schedules: carried };
  const workerId = await openSession(tx, { ...about, leaseMs });
  if (stored.length > 0) await fireSchedules(tx, stored);
  const deps = attemptDeps(tx, emit);
  const ended: SettledEvent[] = [];
  for await (const job of claims(tx, workerId))
    ended.push(await attempt(tx, new Attempt(job, workerId, performance.now(), deps), runnables.get(job.name), emit));
  await endSession(tx, workerId);
  return ended;
}

async function* claims(tx: Queryable, workerId: string): AsyncGenerator<ClaimedJob> {
  let claimToken = 0;
  const input = { workerId, limit: jobsPerClaim, from: fromTheBeginning, deadlines: "{}", defaultDeadlineMs: leaseMs };
  for (let round = 0; round < maxRounds; round += 1) {
    let claimed = 0;
    for (const queue of await dueQueues(tx)) {
      const jobs = await claim(tx, { ...input, queue, claimToken: (claimToken += 1) });
      claimed += jobs.length;
      yield* jobs;
    }
    if (claimed === 0) return;
  }
  throw new SoniqError(`drain: after ${maxRounds} rounds, more jobs are due: do they enqueue each other without end?`);
}

async function attempt(
  tx: Queryable,
  one: Attempt,
  runnable: Runnable | undefined,
  emit: WorkerEventListener,
): Promise<SettledEvent> {
  const { job, startedAt } = one;
  if (runnable) emit({ type: "started", job: new EventJob(job) });
  const end = await one.execute(runnable);
  const runMs = performance.now() - startedAt;
  const written = end.kind === "unsettled" ? await settleNow(tx, one, end.outcome, end.logs) : end;
  const event = emitEnd(emit, job, written, runMs);
  if (event) return event;
  throw new SoniqError(`drain: the job ${job.name} #${job.id} was changed while it ran, and could not be settled`);
}

async function settleNow(tx: Queryable, one: Attempt, outcome: Outcome, logs: string | undefined): Promise<WrittenEnd> {
  const { id, claimToken } = one.job;
  const [settled] = await settle(tx, one.workerId, [{ id, claimToken, outcome, logs }]);
  return endOfSettle(outcome, settled?.state);
}

/** What attempts need of a worker, all of it in one transaction. */
function attemptDeps(tx: Queryable, emit: WorkerEventListener): AttemptDeps {
  return {
    transactions: {
      slots: new TransactionSlots(() => savepoints(tx), 1),
      db: tx,
      deleted: new Set(),
      settles: () => plainSettles,
      bound: async () => ({ timeoutMs: Infinity, cancel: () => {} }),
      timed: false,
    },
    logs: new LogWriter(tx, emit),
    limits,
    turns: new Turns(() => false),
    random: () => 1,
    emit,
  };
}

function savepoints(tx: Queryable): TransactionSlot {
  const loss = new ConnectionLoss(Infinity);
  return { db: tx as Transactional<Queryable>, loss, destroy: () => loss.lose() };
}
