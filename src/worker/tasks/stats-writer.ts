import type { Queryable } from "../../core/queryable.js";
import { foldings, foldStats } from "../../stats/fold-stats.js";
import { pruneStats } from "../../stats/prune-stats.js";
import { maxRecorded, recordStats } from "../../stats/record-stats.js";
import { Tally } from "../../stats/tally.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";
import type { WorkerEvent } from "../events/events.js";
import type { Settings } from "../settings/settings.js";

const everyMs = 5_000;
const upkeepMs = 300_000;

/**
 * Counts how attempts end, and adds that to the statistics every few seconds. What cannot be written now is, with the rest, the
 * next time: these are counts, which take no more room as they grow. Those whose reply is lost may be added twice.
 */
export class StatsWriter {
  readonly tally: Tally;

  constructor(
    private readonly db: Queryable,
    { queues, runnables }: Settings,
  ) {
    this.tally = new Tally(Object.keys(queues), runnables);
  }

  /** What the worker tells of itself. */
  hear(event: WorkerEvent): void {
    if ("outcome" in event) {
      const { type, job, outcome } = event;
      const series = this.tally.of(job.queue, job.name);
      series.ended[type] += 1;
      // These did not run, or are counted where they run to their end.
      if (outcome.kind === "unknown" || type === "fenced") return;
      series.run.add(event.runMs);
      series.wait.add(job.waitMs);
    } else if (event.type === "rescued") {
      for (const { queue, name, state } of event.jobs)
        this.tally.of(queue, name).ended[state === "queued" ? "rescued" : state] += 1;
    }
  }

  async write(): Promise<void> {
    const counts = this.tally.unrecorded();
    for (let from = 0; from < counts.length; from += maxRecorded) {
      const some = counts.slice(from, from + maxRecorded);
      await recordStats(this.db, some);
      for (const { recorded } of some) recorded();
    }
  }

  tasks(): PeriodicTask[] {
    return [
      { operation: "writing statistics", everyMs, run: () => this.write() },
      {
        operation: "folding and pruning statistics",
        everyMs: upkeepMs,
        run: async (stop) => {
          for (const upkeep of [
            ...foldings.map((folding) => () => foldStats(this.db, folding)),
            () => pruneStats(this.db),
          ]) {
            let more = true;
            while (more && !stop.aborted) more = await upkeep();
          }
        },
      },
    ];
  }
}
