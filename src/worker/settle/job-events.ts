import type { Queryable } from "../../core/queryable.js";
import { plainSettles, type Settles } from "../../jobs/settle/settle.js";
import { publishingSettles, hasJobSubscribers } from "../../webhooks/publishing-settles.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";

/** Whether settles publish what becomes of jobs: they do while some endpoint asks for it, and else cost nothing more. */
export class JobEvents {
  #asked = false;
  readonly task: PeriodicTask;

  constructor(db: Queryable) {
    this.task = {
      operation: "asking which events of jobs have subscribers",
      everyMs: 5_000,
      run: async () => {
        this.#asked = await hasJobSubscribers(db);
      },
    };
  }

  readonly settles = (): Settles => (this.#asked ? publishingSettles : plainSettles);
}
