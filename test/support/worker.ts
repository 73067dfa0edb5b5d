import { onTestFinished } from "vitest";
import { createWorker, type SettledEvent, type Worker, type WorkerConfig, type WorkerEvent } from "../../src/index.ts";

export interface ObservedWorker {
  readonly worker: Worker;
  /** All that the worker told so far. */
  readonly events: readonly WorkerEvent[];
  /** Resolves with the first event, told already or to come, that fits. */
  event<T extends WorkerEvent["type"]>(type: T, fits?: (event: EventOf<T>) => boolean): Promise<EventOf<T>>;
  /** Resolves when that job is left in that state by this worker. */
  settled(id: number, state?: string): Promise<SettledEvent>;
}

type EventOf<T> = T extends SettledEvent["type"] ? SettledEvent : Extract<WorkerEvent, { type: T }>;

/** Whether an attempt ended that is written down, whatever became of the job. */
export const isSettled = (event: WorkerEvent): event is SettledEvent => "state" in event;

/** Starts a worker in this process, stopped when the test is done. */
export async function startWorker(config: WorkerConfig): Promise<ObservedWorker> {
  const observed = observedWorker(config);
  await observed.worker.start();
  return observed;
}

/** A worker that is not started yet. */
export function observedWorker(config: WorkerConfig): ObservedWorker {
  const events: WorkerEvent[] = [];
  const listeners = new Set<(event: WorkerEvent) => void>();
  const worker = createWorker(config, {
    onEvent(event) {
      events.push(event);
      for (const listener of listeners) listener(event);
    },
  });
  onTestFinished(() => worker.stop({ timeout: 0 }));
  const first = <E extends WorkerEvent>(isWanted: (event: WorkerEvent) => event is E): Promise<E> => {
    const told = events.find(isWanted);
    if (told) return Promise.resolve(told);
    return new Promise((resolve) => {
      const listener = (event: WorkerEvent) => {
        if (!isWanted(event)) return;
        listeners.delete(listener);
        resolve(event);
      };
      listeners.add(listener);
    });
  };
  return {
    worker,
    events,
    event(type, fits = () => true) {
      type Wanted = EventOf<typeof type>;
      return first((event): event is WorkerEvent & Wanted => event.type === type && fits(event as Wanted));
    },
    settled: (id, state) =>
      first(
        (event): event is SettledEvent => isSettled(event) && event.job.id === id && (!state || event.state === state),
      ),
  };
}
