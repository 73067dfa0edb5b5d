import type { Queryable } from "../../core/queryable.js";
import { plainSettles, type Settles } from "../../jobs/settle/settle.js";
import { announcingSettles, hasJobSubscribers } from "../../webhooks/announcing-settles.js";
import type { Duty } from "../timing/periodic-tasks.js";

/** Whether settles announce what becomes of jobs: they do while some endpoint asks for it, and else cost nothing more. */
export class JobEvents {
  #asked = false;
  readonly duty: Duty;

  constructor(db: Queryable) {
    this.duty = {
      doing: "asking which events of jobs have subscribers",
      everyMs: 5_000,
      run: async () => {
        this.#asked = await hasJobSubscribers(db);
      },
    };
  }

  readonly settles = (): Settles => (this.#asked ? announcingSettles : plainSettles);
}
