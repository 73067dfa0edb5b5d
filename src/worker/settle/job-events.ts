import type { Queryable } from "../../core/queryable.js";
import { plainSettleStrategy, type SettleStrategy } from "../../jobs/settle/settle.js";
import { publishingSettles, hasJobSubscribers } from "../../webhooks/publishing-settles.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";

/** Decides whether settles publish job events. They do while an endpoint subscribes to them; otherwise they have no extra cost. */
export class JobEvents {
  #hasSubscribers = false;
  readonly task: PeriodicTask;

  constructor(db: Queryable) {
    this.task = {
      operation: "checking whether job events have subscribers",
      everyMs: 5_000,
      run: async () => {
        this.#hasSubscribers = await hasJobSubscribers(db);
      },
    };
  }

  readonly chooseStrategy = (): SettleStrategy => (this.#hasSubscribers ? publishingSettles : plainSettleStrategy);
}
