import { checkTables } from "../database/check-tables.js";
import { type StoredSchedule, storedSchedule } from "../schedules/stored-schedule.js";
import { checkRoom } from "./connections/connections.js";
import { Claimer } from "./queue/claimer.js";
import { type Connections, onceThereIsRoom, openConnections } from "./connections/connections.js";
import { deliveryDuties, withDeliveries } from "./tasks/deliveries.js";
import { type Duty, perform } from "./timing/periodic-tasks.js";
import { Engine } from "./engine.js";
import type { Tell } from "./events/events.js";
import { healthOf, watchHealth } from "./health.js";
import { JobEvents } from "./settle/job-events.js";
import { LogWriter } from "./attempt/log-writer.js";
import { Notifications } from "./notifications.js";
import { OwnershipWatch } from "./session/ownership-watch.js";
import { pruneDuties } from "./tasks/pruner.js";
import { QueueWorker } from "./queue/queue-worker.js";
import { rescueDuties } from "./tasks/rescuer.js";
import { scheduleDuties, startSchedules } from "./tasks/scheduler.js";
import type { Settings } from "./settings/settings.js";
import { Settler } from "./settle/settler.js";
import { StatsWriter } from "./tasks/stats-writer.js";
import { tellAll } from "./events/emit-to-all.js";
import { Turns } from "./timing/turns.js";
import { findUnkept } from "./connections/delete-on-completion.js";
import { vitalsOf } from "./vitals.js";
import { Waiters } from "./tasks/waiters.js";
import { WorkerSession } from "./session/worker-session.js";

/**
 * Connects to PostgreSQL, and starts to work.
 *
 * @param stop ends the wait for PostgreSQL to have connections free
 * @throws InvalidValueError if the payload of a schedule is not valid; MigrationError if the job tables are missing or older than this version, or the driver's error if the database cannot be reached
 */
export async function openEngine(settings: Settings, listeners: readonly Tell[], stop: AbortSignal): Promise<Engine> {
  const schedules = await Promise.all(settings.schedules.map(storedSchedule));
  const tell = tellAll(listeners);
  const connections = await openConnections(settings, stop, tell);
  try {
    await onceThereIsRoom(() => checkTables(connections.engine.db), stop, tell);
    const deleted = await findUnkept(settings, connections);
    const parts = partsOf(settings, schedules, connections, deleted, listeners);
    const endDuties = await startParts(parts, stop);
    return new Engine({ ...parts, endDuties });
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
  listeners: readonly Tell[],
) {
  const { route, engine, beats, transactions: slots, bound, timed } = connections;
  const { db } = engine;
  const settings = withDeliveries(configured, db);
  const { batchSize, leaseMs, timeoutGraceMs, unknownGraceMs, maxCrashes } = settings;
  const tellListeners = tellAll(listeners);
  const waiters = new Waiters(db, tellListeners);
  const stats = new StatsWriter(db, settings);
  const tell: Tell = (event) => {
    tellListeners(event);
    waiters.hear(event);
    stats.hear(event);
  };
  const session = new WorkerSession(beats.db, configured, schedules, connections.timeline);
  const jobEvents = new JobEvents(db);
  const { settles } = jobEvents;
  const settler = new Settler(db, tell, deleted, route === "pooled", batchSize, settles);
  const logs = new LogWriter(db, tell);
  const queueDeps = {
    settings,
    settler,
    transactions: { slots, db, deleted, settles, bound, timed },
    logs,
    limits: { timeoutGraceMs, unknownGraceMs, refusedGraceMs: unknownGraceMs, maxCrashes },
    turns: new Turns(() => settler.congested),
    random: Math.random,
    tell,
    hasListeners: listeners.length > 0,
    workerId: () => session.id,
    setIdle,
    claimFailed,
  };
  const queues = Object.entries(settings.queues).map(
    ([queue, concurrency]) => new QueueWorker(queue, concurrency, claimerOf(queue), queueDeps),
  );
  const ownership = new OwnershipWatch(beats.db, leaseMs, { session, queues, settler, tell });
  const notifications = new Notifications(connections, { queues, session, ownership, waiters });
  const tellers = { jobEvents, stats, logs, notifications };
  return { settings, schedules, connections, tell, session, settler, queues, ownership, ...tellers };

  function claimerOf(queue: string): Claimer {
    const nextToken = () => session.nextClaimToken();
    return new Claimer(db, queue, settings, () => notifications.calm, tell, nextToken);
  }

  function claimFailed(queue: string, error: unknown): void {
    ownership.claimFailed();
    tell({ type: "trouble", doing: `claiming from ${queue}`, error });
  }

  async function setIdle(queue: string, idle: boolean): Promise<boolean> {
    // Whoever cannot listen says nowhere that it waits: nobody rings in vain.
    if (!notifications.possible) return false;
    try {
      return await session.setIdle(queue, idle);
    } catch (error) {
      tell({ type: "trouble", doing: "saying which queues are idle", error });
      return false;
    }
  }
}

/** Begins the session, and all that is done in it. @returns what ends all that is done every so often */
async function startParts(parts: Parts, stop: AbortSignal): Promise<() => Promise<void>> {
  const { settings, schedules, connections, tell, session, ownership, queues } = parts;
  await onceThereIsRoom(() => session.open(), stop, tell);
  await checkRoom(settings, connections, tell);
  const beats = session.duty(
    (ended) => {
      for (const queue of queues) {
        queue.interrupt("taken", (_, workerId) => workerId === ended);
        queue.resume();
      }
      tell({ type: "session lost" });
    },
    () => ownership.afterBeat(),
  );
  // Before anything that may take longer than the lease.
  const endBeats = perform([beats], tell);
  await startSchedules(connections.engine.db, schedules, stop, tell).catch(async (error: unknown) => {
    await endBeats();
    throw error;
  });
  // Before the first look at its health, before it says that it waits for work, and before the first settle.
  for (const { doing, run } of [...parts.notifications.duties(), parts.jobEvents.duty])
    await run(stop).catch((error: unknown) => tell({ type: "trouble", doing, error }));
  const endOthers = perform(dutiesOf(parts), tell);
  for (const queue of queues) queue.start();
  return async () => void (await Promise.all([endBeats(), endOthers()]));
}

/** All but the beats. */
function dutiesOf(parts: Parts): Duty[] {
  const { settings, schedules, connections, tell, queues } = parts;
  const { engine, endDeadSessions } = connections;
  const { db } = engine;
  return [
    ...parts.notifications.duties(),
    ...rescueDuties(db, endDeadSessions, settings, (event) => {
      tell(event);
      for (const queue of queues) queue.wakeUp();
    }),
    ...pruneDuties(db, settings, tell),
    ...parts.stats.duties(),
    parts.logs.duty(),
    ...scheduleDuties(db, schedules, settings, tell),
    ...deliveryDuties(db, settings, tell),
    parts.jobEvents.duty,
    watchHealth(() => healthOf(vitalsOf(parts)), tell),
  ];
}
