import { checkTables } from "../database/check-tables.js";
import { type StoredSchedule, toStoredSchedule } from "../schedules/stored-schedule.js";
import { checkConnectionLimit } from "./connections/connections.js";
import { Claimer } from "./queue/claimer.js";
import { type Connections, retryWhileFull, openConnections } from "./connections/connections.js";
import { createDeliveryTasks, addDeliveryHandler } from "./tasks/deliveries.js";
import { type PeriodicTask, runPeriodically } from "./timing/periodic-tasks.js";
import { Engine } from "./engine.js";
import type { WorkerEventListener } from "./events/events.js";
import { assessHealth, watchHealth } from "./health.js";
import { JobEvents } from "./settle/job-events.js";
import { LogWriter } from "./attempt/log-writer.js";
import { Notifications } from "./notifications.js";
import { OwnershipWatch } from "./session/ownership-watch.js";
import { createPruneTasks } from "./tasks/pruner.js";
import { type QueueDeps, QueueWorker } from "./queue/queue-worker.js";
import { createRescueTasks } from "./tasks/rescuer.js";
import { createScheduleTasks, startSchedules } from "./tasks/scheduler.js";
import type { Settings } from "./settings/settings.js";
import { Settler } from "./settle/settler.js";
import { StatsWriter } from "./tasks/stats-writer.js";
import { emitToAll } from "./events/emit-to-all.js";
import { Turns } from "./timing/turns.js";
import { findJobsDeletedOnCompletion } from "./connections/delete-on-completion.js";
import { readVitals } from "./vitals.js";
import { Waiters } from "./tasks/waiters.js";
import { WorkerSession } from "./session/worker-session.js";

/**
 * Connects to PostgreSQL, and starts the worker.
 *
 * @param stop ends the wait for a free connection of PostgreSQL
 * @throws InvalidValueError if the payload of a schedule is invalid; MigrationError if the job tables are missing or older than this
 *   version; the driver's error if the database cannot be reached
 */
export async function openEngine(
  settings: Settings,
  listeners: readonly WorkerEventListener[],
  stop: AbortSignal,
): Promise<Engine> {
  const schedules = await Promise.all(settings.schedules.map(toStoredSchedule));
  const emit = emitToAll(listeners);
  const connections = await openConnections(settings, stop, emit);
  try {
    await retryWhileFull(() => checkTables(connections.engine.db), stop, emit);
    const deletedOnCompletion = await findJobsDeletedOnCompletion(settings, connections);
    const parts = createParts(settings, schedules, connections, deletedOnCompletion, listeners);
    const endTasks = await startParts(parts, stop);
    return new Engine({ ...parts, endTasks });
  } catch (error) {
    await connections.close();
    throw error;
  }
}

type Parts = ReturnType<typeof createParts>;

/** Creates the parts, none of which does anything yet. If two parts use each other, the first one gets the second from a function. */
function createParts(
  baseSettings: Settings,
  schedules: readonly StoredSchedule[],
  connections: Connections,
  deletedOnCompletion: ReadonlySet<string>,
  listeners: readonly WorkerEventListener[],
) {
  const { route, engine, beats, transactions: slots, limitTransaction, hasTimeouts, timeline } = connections;
  const { db } = engine;
  const settings = addDeliveryHandler(baseSettings, db);
  const waiters = new Waiters(db, emitToAll(listeners));
  const stats = new StatsWriter(db, settings);
  const emit = forwardEvents(emitToAll(listeners), [waiters, stats]);
  const session = new WorkerSession(beats.db, baseSettings, schedules, timeline);
  const jobEvents = new JobEvents(db);
  const { chooseStrategy } = jobEvents;
  const settler = new Settler(db, emit, deletedOnCompletion, route === "pooled", settings.batchSize, chooseStrategy);
  const logs = new LogWriter(db, emit);
  const transactions = { slots, db, deletedOnCompletion, chooseStrategy, limitTransaction, hasTimeouts };
  const runnerDeps = { ...configureAttempts(settings, settler), settings, settler, transactions, logs, emit };
  const queueDeps: QueueDeps = {
    ...runnerDeps,
    hasListeners: listeners.length > 0,
    workerId: () => session.id,
    setIdle: (queue, idle) => publishIdle(notifications, session, emit, queue, idle),
    onClaimFailed(queue, error) {
      ownership.onClaimFailed();
      emit({ type: "error", operation: `claiming from ${queue}`, error });
    },
  };
  const queues = Object.entries(settings.queues).map(([queue, concurrency]) => {
    const nextToken = () => session.nextClaimToken();
    const claimer = new Claimer(db, queue, settings, () => notifications.isStable, emit, nextToken);
    return new QueueWorker(queue, concurrency, claimer, queueDeps);
  });
  const ownership = new OwnershipWatch(beats.db, settings.leaseMs, { session, queues, settler, emit });
  const notifications = new Notifications(connections, { queues, session, ownership, waiters });
  const reporters = { jobEvents, stats, logs, notifications };
  return { settings, schedules, connections, emit, session, settler, queues, ownership, ...reporters };
}

/** Returns a listener that passes each event to the application's listeners, and then to the receivers within the worker. */
function forwardEvents(
  emitToListeners: WorkerEventListener,
  receivers: readonly (StatsWriter | Waiters)[],
): WorkerEventListener {
  return (event) => {
    emitToListeners(event);
    for (const receiver of receivers) receiver.receive(event);
  };
}

function configureAttempts({ timeoutGraceMs, unknownJobGraceMs, maxCrashes }: Settings, settler: Settler) {
  return {
    limits: { timeoutGraceMs, unknownJobGraceMs, refusedGraceMs: unknownJobGraceMs, maxCrashes },
    turns: new Turns(() => settler.isCongested),
    random: Math.random,
  };
}

async function publishIdle(
  notifications: Notifications,
  session: WorkerSession,
  emit: WorkerEventListener,
  queue: string,
  idle: boolean,
): Promise<boolean> {
  // A worker that cannot listen never publishes idle queues, so no process sends it a NOTIFY in vain.
  if (!notifications.canListen) return false;
  try {
    return await session.setIdle(queue, idle);
  } catch (error) {
    emit({ type: "error", operation: "publishing which queues are idle", error });
    return false;
  }
}

/** Opens the session, and starts the parts. @returns a function that ends the periodic tasks */
async function startParts(parts: Parts, stop: AbortSignal): Promise<() => Promise<void>> {
  const { settings, schedules, connections, emit, session, ownership, queues } = parts;
  await retryWhileFull(() => session.open(), stop, emit);
  await checkConnectionLimit(settings, connections, emit);
  const beats = session.task(
    (lostId) => {
      for (const queue of queues) {
        queue.interrupt("taken", (_, workerId) => workerId === lostId);
        queue.resume();
      }
      emit({ type: "session-lost" });
    },
    () => ownership.afterBeat(),
  );
  // Starts the heartbeats before anything that may take longer than the lease.
  const endBeats = runPeriodically([beats], emit);
  await startSchedules(connections.engine.db, schedules, stop, emit).catch(async (error: unknown) => {
    await endBeats();
    throw error;
  });
  // Listens, and looks up the subscribers of job events, before the first health check, the first idle queue, and the first settle.
  for (const { operation, run } of [...parts.notifications.tasks(), parts.jobEvents.task])
    await run(stop).catch((error: unknown) => emit({ type: "error", operation, error }));
  const endTasks = runPeriodically(createPeriodicTasks(parts), emit);
  for (const queue of queues) queue.start();
  return async () => void (await Promise.all([endBeats(), endTasks()]));
}

/** Creates all periodic tasks except the heartbeats. */
function createPeriodicTasks(parts: Parts): PeriodicTask[] {
  const { settings, schedules, connections, emit, queues } = parts;
  const { engine, endDeadSessions } = connections;
  const { db } = engine;
  return [
    ...parts.notifications.tasks(),
    ...createRescueTasks(db, endDeadSessions, settings, (event) => {
      emit(event);
      for (const queue of queues) queue.wakeUp();
    }),
    ...createPruneTasks(db, settings, emit),
    ...parts.stats.tasks(),
    parts.logs.task(),
    ...createScheduleTasks(db, schedules, settings, emit),
    ...createDeliveryTasks(db, settings, emit),
    parts.jobEvents.task,
    watchHealth(() => assessHealth(readVitals(parts)), emit),
  ];
}
