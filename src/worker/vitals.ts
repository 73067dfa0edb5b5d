import { countSlots } from "./activity.js";
import type { Connections } from "./connections/connections.js";
import type { Vitals } from "./health.js";
import type { Notifications } from "./notifications.js";
import type { QueueWorker } from "./queue/queue-worker.js";
import type { Settings } from "./settings/settings.js";
import type { Settler } from "./settle/settler.js";
import type { WorkerSession } from "./session/worker-session.js";

/** The parts of a worker from which its vitals are read. */
interface VitalParts {
  readonly settings: Settings;
  readonly connections: Connections;
  readonly session: WorkerSession;
  readonly settler: Settler;
  readonly queues: readonly QueueWorker[];
  readonly notifications: Notifications;
}

/** Reads the current vitals from the parts of a worker. */
export function readVitals(parts: VitalParts): Vitals {
  const { settings, settler, notifications } = parts;
  const { hasTimeouts } = parts.connections;
  const { msSinceLastIteration, ...session } = parts.session.vitals();
  const queues = parts.queues.map((worker) => ({ queue: worker.queue, ...worker.vitals() }));
  const claimLoops = queues.map((worker) => ({
    operation: `claiming from ${worker.queue}`,
    everyMs: settings.pollIntervalMs,
    msSinceLastIteration: worker.msSinceLastIteration,
  }));
  return {
    ...session,
    // Without timeouts (on PGlite), a statement may wait for a transaction of the application. That is neither a failure nor stuck.
    failingClaims: hasTimeouts ? queues.map(({ queue, failingMs: forMs }) => ({ queue, forMs })) : [],
    unansweredSettlesMs: hasTimeouts ? settler.outageTimer.elapsedMs : 0,
    loops: hasTimeouts
      ? [{ operation: "extending the lease", everyMs: session.beatEveryMs, msSinceLastIteration }, ...claimLoops]
      : [],
    slots: countSlots(settings),
    unresponsiveMs: queues.flatMap(({ unresponsiveMs }) => unresponsiveMs),
    listening: notifications.listening,
  };
}
