import { slotsOf } from "./activity.js";
import type { Connections } from "./connections/connections.js";
import type { Vitals } from "./health.js";
import type { Notifications } from "./notifications.js";
import type { QueueWorker } from "./queue/queue-worker.js";
import type { Settings } from "./settings/settings.js";
import type { Settler } from "./settle/settler.js";
import type { WorkerSession } from "./session/worker-session.js";

/** The parts of a worker that show how it is. */
interface VitalParts {
  readonly settings: Settings;
  readonly connections: Connections;
  readonly session: WorkerSession;
  readonly settler: Settler;
  readonly queues: readonly QueueWorker[];
  readonly notifications: Notifications;
}

/** Reads off the parts of a worker how it is at this moment. */
export function vitalsOf(parts: VitalParts): Vitals {
  const { settings, settler, notifications } = parts;
  const { timed } = parts.connections;
  const { msSinceLastRound, ...session } = parts.session.vitals();
  const queues = parts.queues.map((worker) => ({ queue: worker.queue, ...worker.vitals() }));
  const claimLoops = queues.map((one) => ({
    operation: `claiming from ${one.queue}`,
    everyMs: settings.pollIntervalMs,
    msSinceLastRound: one.msSinceLastRound,
  }));
  return {
    ...session,
    // What waits for somebody's transaction neither fails nor is stuck.
    failingClaims: timed ? queues.map(({ queue, failingMs: forMs }) => ({ queue, forMs })) : [],
    unansweredSettlesMs: timed ? settler.unanswered.ms : 0,
    loops: timed
      ? [{ operation: "extending the lease", everyMs: session.beatEveryMs, msSinceLastRound }, ...claimLoops]
      : [],
    slots: slotsOf(settings),
    unresponsiveMs: queues.flatMap(({ unresponsiveMs }) => unresponsiveMs),
    listening: notifications.listening,
  };
}
