import type { Queryable } from "../../core/queryable.js";
import type { HandlerFunction } from "../../jobs/definition/job-context.js";
import { deliver } from "../../webhooks/deliver.js";
import { deliveryJob } from "../../webhooks/delivery.js";
import {
  endFreeing,
  findUnsettledEndpoints,
  freePage,
  freeProbe,
  freeStrays,
  isBusy,
  parkPage,
} from "../../webhooks/parking.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";
import type { Settings } from "../settings/settings.js";

const everyMs = 1_000;
const fullScanMs = 300_000;
/** Beyond a receiver's own time an attempt may take so long, for the statements around it. */
const slackMs = 30_000;

/** The settings with webhooks among what there is to run, if this worker is to deliver them. */
export function withDeliveries(settings: Settings, db: Queryable): Settings {
  const { webhooks, runnables, retentionMs } = settings;
  if (!webhooks) return settings;
  const run = deliver(db, webhooks) as HandlerFunction<unknown, unknown>;
  const runnable = { definition: deliveryJob, run, handler: run, timeoutMs: webhooks.timeoutMs + slackMs, retentionMs };
  return { ...settings, runnables: new Map([...runnables, [deliveryJob.name, runnable]]) };
}

/** Parks and frees the deliveries of endpoints, as they are paused and resumed, and as their breakers open and close. */
export function deliveryTasks(db: Queryable, { webhooks }: Settings, emit: WorkerEventListener): PeriodicTask[] {
  if (!webhooks) return [];
  /** Shut endpoints whose deliveries have been parked: whatever is published since, is so from the start. */
  const parked = new Set<string>();
  /** Where to go on freeing, by endpoint. */
  const freed = new Map<string, number>();
  /** Where to go on looking for strays. */
  let strays: number | undefined;
  const refused = (id: number, error: unknown) =>
    emit({ type: "error", operation: `parking or freeing webhook ${id}`, error });

  async function parkAll(endpoint: string, stop: AbortSignal): Promise<void> {
    let next: number | undefined = 0;
    while (next !== undefined && !stop.aborted) next = await parkPage(db, endpoint, next, refused);
    if (next === undefined) parked.add(endpoint);
  }

  /** As many as one page has, if the queue has room for them. */
  async function freeSome(endpoint: string, stop: AbortSignal): Promise<void> {
    if (await isBusy(db)) return;
    let found = 0;
    while (found === 0 && !stop.aborted) {
      const page = await freePage(db, endpoint, freed.get(endpoint) ?? 0, refused);
      found = page.freed;
      if (page.next !== undefined) {
        freed.set(endpoint, page.next);
        continue;
      }
      freed.delete(endpoint);
      return endFreeing(db, endpoint);
    }
  }

  return [
    {
      operation: "parking and freeing webhooks",
      everyMs,
      async run(stop) {
        const endpoints = await findUnsettledEndpoints(db);
        const held = new Set(endpoints.filter(({ standing }) => standing !== "freeing").map(({ id }) => id));
        for (const id of parked) if (!held.has(id)) parked.delete(id);
        for (const id of held) freed.delete(id);
        for (const { id, standing } of endpoints) {
          if (stop.aborted) return;
          switch (standing) {
            case "shut":
              if (!parked.has(id)) await parkAll(id, stop);
              break;
            case "half open":
              await freeProbe(db, id, refused);
              break;
            case "freeing":
              await freeSome(id, stop);
              break;
            default:
              standing satisfies never;
          }
        }
      },
    },
    {
      operation: "looking for webhooks that are parked for nothing",
      everyMs: fullScanMs,
      async run(stop) {
        do {
          if (await isBusy(db)) return;
          strays = await freeStrays(db, strays ?? 0, refused);
        } while (strays !== undefined && !stop.aborted);
      },
    },
  ];
}
