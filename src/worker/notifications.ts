import type { Listener } from "../database/listener.js";
import { cancelChannel, waitChannel, wakeUpChannel } from "../sessions/doorbell.js";
import { pauseChannel, resumeChannel } from "../queues/pause.js";
import type { Connections } from "./connections/connections.js";
import type { PeriodicTask } from "./timing/periodic-tasks.js";
import type { OwnershipWatch } from "./session/ownership-watch.js";
import type { QueueWorker } from "./queue/queue-worker.js";
import type { Waiters } from "./tasks/waiters.js";
import type { WorkerSession } from "./session/worker-session.js";

/** Together with the listener's reply timeout, this makes a worker listen again within 15 s after a network falls silent. */
const relistenMs = 4_000;

/** The parts of a worker that act on notifications from other processes. */
interface NotifiedParts {
  readonly queues: readonly QueueWorker[];
  readonly session: WorkerSession;
  readonly ownership: OwnershipWatch;
  readonly waiters: Waiters;
}

/** Listens for notifications from other processes. A worker behind a pooler cannot listen. */
export class Notifications {
  readonly #listener: Listener | undefined;
  #listenCount = 0;

  constructor({ openListener }: Connections, { queues, session, ownership, waiters }: NotifiedParts) {
    const findQueue = (name: string) => queues.find(({ queue }) => queue === name);
    const handlers = {
      [wakeUpChannel]: (name: string) => findQueue(name)?.wakeUp(),
      [cancelChannel]: (id: string) => {
        if (id === session.id) void ownership.compare();
      },
      [waitChannel]: (id: string) => waiters.remember(Number(id)),
      [pauseChannel]: (name: string) => findQueue(name)?.pause(),
      [resumeChannel]: (name: string) => findQueue(name)?.resume(),
    };
    this.#listener = openListener(handlers, () => {
      this.#listenCount += 1;
      // Notifications during a gap are lost. A queue may have been paused and resumed, with its released jobs behind the claim positions.
      for (const queue of queues) queue.resume();
      void ownership.compare();
    });
  }

  /** Whether this worker can listen at all. */
  get canListen(): boolean {
    return this.#listener !== undefined;
  }

  /** Whether wake-ups can arrive. True if the worker cannot listen at all, since that is reported at start, and is not a health problem. */
  get listening(): boolean {
    return this.#listener?.listening ?? true;
  }

  /** Whether the worker listens, and has not been disconnected recently. */
  get isStable(): boolean {
    return this.#listener?.isStable ?? false;
  }

  /** How often the worker listened again after its connection had broken. */
  get relistens(): number {
    return Math.max(0, this.#listenCount - 1);
  }

  tasks(): PeriodicTask[] {
    const listener = this.#listener;
    if (!listener) return [];
    const operation = "listening for wake-ups: jobs are found by polling";
    return [{ operation, everyMs: relistenMs, run: () => listener.listen() }];
  }
}
