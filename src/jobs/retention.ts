import type { Duration } from "../core/duration.js";

/** How long finished jobs are kept, by the state they ended in. */
export interface Retention {
  /** Default `"24h"`. 0 deletes a completed job as it is settled, unless a foreign key references the jobs. */
  readonly completed?: Duration;
  /** Default `"24h"`. */
  readonly cancelled?: Duration;
  /** Default `"30d"`. */
  readonly dead?: Duration;
}
