import type { Duration } from "../core/duration.js";

/**
 * How long finished jobs are kept, by the state they ended in. One whose unique key is held past its end is deleted up to an
 * hour after the key has expired.
 */
export interface Retention {
  /** Default `"24h"`. 0 deletes a completed job as it is settled, unless a foreign key references the jobs. */
  readonly completed?: Duration;
  /** Default `"24h"`. */
  readonly cancelled?: Duration;
  /** Default `"30d"`. */
  readonly dead?: Duration;
}
