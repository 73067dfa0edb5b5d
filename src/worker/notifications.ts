import type { Listener } from "../database/listener.js";
import { cancelChannel, waitChannel, wakeUpChannel } from "../sessions/doorbell.js";
import { pauseChannel, resumeChannel } from "../queues/pause.js";
import type { Connections } from "./connections/connections.js";
import type { PeriodicTask } from "./timing/periodic-tasks.js";
import type { OwnershipWatch } from "./session/ownership-watch.js";
import type { QueueWorker } from "./queue/queue-worker.js";
import type { Waiters } from "./tasks/waiters.js";
import type { WorkerSession } from "./session/worker-session.js";

/** With the listener's patience, less than 15 s from when a network falls silent to when it listens anew. */
const relistenMs = 4_000;

/** The parts of a worker that act on what other processes notify. */
interface Notified {
  readonly queues: readonly QueueWorker[];
  readonly session: WorkerSession;
  readonly ownership: OwnershipWatch;
  readonly waiters: Waiters;
}

/** Listens to what other processes notify this worker of. Behind a pooler nobody can. */
export class Notifications {
  readonly #listener: Listener | undefined;
  #listens = 0;

  constructor({ openListener }: Connections, { queues, session, ownership, waiters }: Notified) {
    const of = (name: string) => queues.find(({ queue }) => queue === name);
    const hear = {
      [wakeUpChannel]: (name: string) => of(name)?.wakeUp(),
      [cancelChannel]: (id: string) => {
        if (id === session.id) void ownership.compare();
      },
      [waitChannel]: (id: string) => waiters.remember(Number(id)),
      [pauseChannel]: (name: string) => of(name)?.pause(),
      [resumeChannel]: (name: string) => of(name)?.resume(),
    };
    this.#listener = openListener(hear, () => {
      this.#listens += 1;
      // What was said in a gap was not heard: jobs may have gone back to places behind the marks.
      for (const queue of queues) queue.resume();
      void ownership.compare();
    });
  }

  /** Whether this worker can listen at all. */
  get possible(): boolean {
    return this.#listener !== undefined;
  }

  /** Whether wake-ups can come. Where nobody can listen, that was said at start, and is none of the worker's faults. */
  get listening(): boolean {
    return this.#listener?.listening ?? true;
  }

  /** Whether it listens, and was not cut off for a while. */
  get calm(): boolean {
    return this.#listener?.calm ?? false;
  }

  /** How often it listened anew, after its connection had broken. */
  get relistens(): number {
    return Math.max(0, this.#listens - 1);
  }

  tasks(): PeriodicTask[] {
    const listener = this.#listener;
    if (!listener) return [];
    const operation = "listening for wake-ups: jobs are found by polling";
    return [{ operation, everyMs: relistenMs, run: () => listener.listen() }];
  }
}
