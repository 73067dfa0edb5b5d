import type { Queryable } from "../../core/queryable.js";
import type { HandlerFunction } from "../../jobs/definition/job-context.js";
import { createDeliveryHandler } from "../../webhooks/deliver.js";
import { deliveryJob } from "../../webhooks/delivery.js";
import {
  finishUnparking,
  findParkingEndpoints,
  unparkPage,
  unparkProbe,
  unparkOrphanedDeliveries,
  isBusy,
  parkPage,
} from "../../webhooks/parking.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";
import type { Settings } from "../settings/settings.js";

const everyMs = 1_000;
const fullScanMs = 300_000;
/** Extends the timeout of a delivery's attempt beyond the receiver's timeout, for the statements around the request. */
const slackMs = 30_000;

/** Adds the handler of webhook deliveries to the settings, if this worker delivers webhooks. */
export function addDeliveryHandler(settings: Settings, db: Queryable): Settings {
  const { webhooks, runnables, retentionMs } = settings;
  if (!webhooks) return settings;
  const run = createDeliveryHandler(db, webhooks) as HandlerFunction<unknown, unknown>;
  const runnable = { definition: deliveryJob, run, handler: run, timeoutMs: webhooks.timeoutMs + slackMs, retentionMs };
  return { ...settings, runnables: new Map([...runnables, [deliveryJob.name, runnable]]) };
}

/** Creates the tasks that park and unpark deliveries, if this worker delivers webhooks. */
export function createDeliveryTasks(db: Queryable, { webhooks }: Settings, emit: WorkerEventListener): PeriodicTask[] {
  return webhooks ? new DeliveryParking(db, emit).tasks() : [];
}

/** Parks and unparks the deliveries of endpoints that are paused or resumed, or whose circuit breakers open or close. */
class DeliveryParking {
  /** Blocked endpoints whose deliveries are all parked. Deliveries that are published later are parked from the start. */
  readonly #parked = new Set<string>();
  /** The position at which unparking continues, by endpoint. */
  readonly #unparkPositions = new Map<string, number>();
  /** The position at which the scan for orphaned deliveries continues. */
  #orphanPosition: number | undefined;

  constructor(
    private readonly db: Queryable,
    private readonly emit: WorkerEventListener,
  ) {}

  tasks(): PeriodicTask[] {
    return [
      { operation: "parking and unparking webhooks", everyMs, run: (stop) => this.#parkAndUnpark(stop) },
      { operation: "unparking orphaned webhooks", everyMs: fullScanMs, run: (stop) => this.#unparkOrphaned(stop) },
    ];
  }

  async #parkAndUnpark(stop: AbortSignal): Promise<void> {
    const endpoints = await findParkingEndpoints(this.db);
    const blocked = new Set(endpoints.filter(({ status }) => status !== "unparking").map(({ id }) => id));
    for (const id of this.#parked) if (!blocked.has(id)) this.#parked.delete(id);
    for (const id of blocked) this.#unparkPositions.delete(id);
    for (const { id, status } of endpoints) {
      if (stop.aborted) return;
      switch (status) {
        case "blocked":
          if (!this.#parked.has(id)) await this.#parkAll(id, stop);
          break;
        case "half-open":
          await unparkProbe(this.db, id, this.#reportRefusal);
          break;
        case "unparking":
          await this.#unparkNextPage(id, stop);
          break;
        default:
          status satisfies never;
      }
    }
  }

  async #parkAll(endpoint: string, stop: AbortSignal): Promise<void> {
    let next: number | undefined = 0;
    while (next !== undefined && !stop.aborted) next = await parkPage(this.db, endpoint, next, this.#reportRefusal);
    if (next === undefined) this.#parked.add(endpoint);
  }

  /** Unparks the deliveries of the next page that has any, if the queue has room for them. */
  async #unparkNextPage(endpoint: string, stop: AbortSignal): Promise<void> {
    if (await isBusy(this.db)) return;
    let unparkedJobs = 0;
    while (unparkedJobs === 0 && !stop.aborted) {
      const position = this.#unparkPositions.get(endpoint) ?? 0;
      const page = await unparkPage(this.db, endpoint, position, this.#reportRefusal);
      unparkedJobs = page.unparked;
      if (page.next !== undefined) {
        this.#unparkPositions.set(endpoint, page.next);
        continue;
      }
      this.#unparkPositions.delete(endpoint);
      return finishUnparking(this.db, endpoint);
    }
  }

  async #unparkOrphaned(stop: AbortSignal): Promise<void> {
    do {
      if (await isBusy(this.db)) return;
      this.#orphanPosition = await unparkOrphanedDeliveries(this.db, this.#orphanPosition ?? 0, this.#reportRefusal);
    } while (this.#orphanPosition !== undefined && !stop.aborted);
  }

  readonly #reportRefusal = (id: number, error: unknown): void =>
    this.emit({ type: "error", operation: `parking or unparking webhook ${id}`, error });
}
