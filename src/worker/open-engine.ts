import { checkTables } from "../database/check-tables.js";
import { type StoredSchedule, storedSchedule } from "../schedules/stored-schedule.js";
import { checkRoom } from "./connections/connections.js";
import { Claimer } from "./queue/claimer.js";
import { type Connections, onceThereIsRoom, openConnections } from "./connections/connections.js";
import { deliveryTasks, withDeliveries } from "./tasks/deliveries.js";
import { type PeriodicTask, runPeriodically } from "./timing/periodic-tasks.js";
import { Engine } from "./engine.js";
import type { WorkerEventListener } from "./events/events.js";
import { healthOf, watchHealth } from "./health.js";
import { JobEvents } from "./settle/job-events.js";
import { LogWriter } from "./attempt/log-writer.js";
import { Notifications } from "./notifications.js";
import { OwnershipWatch } from "./session/ownership-watch.js";
import { pruneTasks } from "./tasks/pruner.js";
import { QueueWorker } from "./queue/queue-worker.js";
import { rescueTasks } from "./tasks/rescuer.js";
import { scheduleTasks, startSchedules } from "./tasks/scheduler.js";
import type { Settings } from "./settings/settings.js";
import { Settler } from "./settle/settler.js";
import { StatsWriter } from "./tasks/stats-writer.js";
import { emitToAll } from "./events/emit-to-all.js";
import { Turns } from "./timing/turns.js";
import { findDeletedOnCompletion } from "./connections/delete-on-completion.js";
import { vitalsOf } from "./vitals.js";
import { Waiters } from "./tasks/waiters.js";
import { WorkerSession } from "./session/worker-session.js";

/**
 * Connects to PostgreSQL, and starts to work.
 *
 * @param stop ends the wait for PostgreSQL to have connections free
 * @throws InvalidValueError if the payload of a schedule is not valid; MigrationError if the job tables are missing or older than this version, or the driver's error if the database cannot be reached
 */
export async function openEngine(
  settings: Settings,
  listeners: readonly WorkerEventListener[],
  stop: AbortSignal,
): Promise<Engine> {
  const schedules = await Promise.all(settings.schedules.map(storedSchedule));
  const emit = emitToAll(listeners);
  const connections = await openConnections(settings, stop, emit);
  try {
    await onceThereIsRoom(() => checkTables(connections.engine.db), stop, emit);
    const deleted = await findDeletedOnCompletion(settings, connections);
    const parts = partsOf(settings, schedules, connections, deleted, listeners);
    const endTasks = await startParts(parts, stop);
    return new Engine({ ...parts, endTasks });
  } catch (error) {
    await connections.close();
    throw error;
  }
}

type Parts = ReturnType<typeof partsOf>;

/** Makes the parts, none of which does anything yet. Where two of them know each other, the first finds the second by its name. */
function partsOf(
  configured: Settings,
  schedules: readonly StoredSchedule[],
  connections: Connections,
  deleted: ReadonlySet<string>,
  listeners: readonly WorkerEventListener[],
) {
  const { route, engine, beats, transactions: slots, bound, timed } = connections;
  const { db } = engine;
  const settings = withDeliveries(configured, db);
  const { batchSize, leaseMs, timeoutGraceMs, unknownJobGraceMs, maxCrashes } = settings;
  const emitToListeners = emitToAll(listeners);
  const waiters = new Waiters(db, emitToListeners);
  const stats = new StatsWriter(db, settings);
  const emit: WorkerEventListener = (event) => {
    emitToListeners(event);
    waiters.hear(event);
    stats.hear(event);
  };
  const session = new WorkerSession(beats.db, configured, schedules, connections.timeline);
  const jobEvents = new JobEvents(db);
  const { settles } = jobEvents;
  const settler = new Settler(db, emit, deleted, route === "pooled", batchSize, settles);
  const logs = new LogWriter(db, emit);
  const queueDeps = {
    settings,
    settler,
    transactions: { slots, db, deleted, settles, bound, timed },
    logs,
    limits: { timeoutGraceMs, unknownJobGraceMs, refusedGraceMs: unknownJobGraceMs, maxCrashes },
    turns: new Turns(() => settler.congested),
    random: Math.random,
    emit,
    hasListeners: listeners.length > 0,
    workerId: () => session.id,
    setIdle,
    claimFailed,
  };
  const queues = Object.entries(settings.queues).map(
    ([queue, concurrency]) => new QueueWorker(queue, concurrency, claimerOf(queue), queueDeps),
  );
  const ownership = new OwnershipWatch(beats.db, leaseMs, { session, queues, settler, emit });
  const notifications = new Notifications(connections, { queues, session, ownership, waiters });
  const tellers = { jobEvents, stats, logs, notifications };
  return { settings, schedules, connections, emit, session, settler, queues, ownership, ...tellers };

  function claimerOf(queue: string): Claimer {
    const nextToken = () => session.nextClaimToken();
    return new Claimer(db, queue, settings, () => notifications.calm, emit, nextToken);
  }

  function claimFailed(queue: string, error: unknown): void {
    ownership.claimFailed();
    emit({ type: "error", operation: `claiming from ${queue}`, error });
  }

  async function setIdle(queue: string, idle: boolean): Promise<boolean> {
    // Whoever cannot listen says nowhere that it waits: nobody rings in vain.
    if (!notifications.possible) return false;
    try {
      return await session.setIdle(queue, idle);
    } catch (error) {
      emit({ type: "error", operation: "saying which queues are idle", error });
      return false;
    }
  }
}

/** Begins the session, and all that is done in it. @returns what ends all that is done every so often */
async function startParts(parts: Parts, stop: AbortSignal): Promise<() => Promise<void>> {
  const { settings, schedules, connections, emit, session, ownership, queues } = parts;
  await onceThereIsRoom(() => session.open(), stop, emit);
  await checkRoom(settings, connections, emit);
  const beats = session.task(
    (ended) => {
      for (const queue of queues) {
        queue.interrupt("taken", (_, workerId) => workerId === ended);
        queue.resume();
      }
      emit({ type: "session-lost" });
    },
    () => ownership.afterBeat(),
  );
  // Before anything that may take longer than the lease.
  const endBeats = runPeriodically([beats], emit);
  await startSchedules(connections.engine.db, schedules, stop, emit).catch(async (error: unknown) => {
    await endBeats();
    throw error;
  });
  // Before the first look at its health, before it says that it waits for work, and before the first settle.
  for (const { operation, run } of [...parts.notifications.tasks(), parts.jobEvents.task])
    await run(stop).catch((error: unknown) => emit({ type: "error", operation, error }));
  const endOthers = runPeriodically(periodicTasksOf(parts), emit);
  for (const queue of queues) queue.start();
  return async () => void (await Promise.all([endBeats(), endOthers()]));
}

/** All but the beats. */
function periodicTasksOf(parts: Parts): PeriodicTask[] {
  const { settings, schedules, connections, emit, queues } = parts;
  const { engine, endDeadSessions } = connections;
  const { db } = engine;
  return [
    ...parts.notifications.tasks(),
    ...rescueTasks(db, endDeadSessions, settings, (event) => {
      emit(event);
      for (const queue of queues) queue.wakeUp();
    }),
    ...pruneTasks(db, settings, emit),
    ...parts.stats.tasks(),
    parts.logs.task(),
    ...scheduleTasks(db, schedules, settings, emit),
    ...deliveryTasks(db, settings, emit),
    parts.jobEvents.task,
    watchHealth(() => healthOf(vitalsOf(parts)), emit),
  ];
}
