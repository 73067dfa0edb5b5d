import { afterEach } from "vitest";
import { createWorker, type Worker, type WorkerConfig, type WorkerEvent } from "../../src/index.ts";

export interface ObservedWorker {
  readonly worker: Worker;
  /** All that the worker told so far. */
  readonly events: readonly WorkerEvent[];
  /** Resolves with the first event, told already or to come, that fits. */
  event<T extends WorkerEvent["type"]>(
    type: T,
    fits?: (event: Extract<WorkerEvent, { type: T }>) => boolean,
  ): Promise<Extract<WorkerEvent, { type: T }>>;
  /** Resolves when that job is left in that state by this worker. */
  settled(id: number, state?: string): Promise<Extract<WorkerEvent, { type: "settled" }>>;
}

const started: Worker[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((worker) => worker.stop({ timeout: 0 })));
});

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
  started.push(worker);
  const observed: ObservedWorker = {
    worker,
    events,
    event(type, fits = () => true) {
      type Wanted = Extract<WorkerEvent, { type: typeof type }>;
      const isWanted = (event: WorkerEvent): event is Wanted => event.type === type && fits(event as Wanted);
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
    },
    settled: (id, state) =>
      observed.event("settled", (event) => event.job.id === id && (!state || event.state === state)),
  };
  return observed;
}
