import type { Queryable } from "../../core/queryable.js";
import { foldings, foldStats } from "../../stats/fold-stats.js";
import { pruneStats } from "../../stats/prune-stats.js";
import { maxCountsPerStatement, recordStats } from "../../stats/record-stats.js";
import { Tally } from "../../stats/tally.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";
import type { WorkerEvent } from "../events/events.js";
import type { Settings } from "../settings/settings.js";

const everyMs = 5_000;
const upkeepMs = 300_000;

/**
 * Counts how attempts end, and adds the counts to the statistics every few seconds. Counts that cannot be written are kept for the
 * next write, and need no more memory as they grow. If the reply to a write is lost, its counts may be added twice.
 */
export class StatsWriter {
  readonly tally: Tally;

  constructor(
    private readonly db: Queryable,
    { queues, runnables }: Settings,
  ) {
    this.tally = new Tally(Object.keys(queues), runnables);
  }

  /** Counts an event of the worker. */
  receive(event: WorkerEvent): void {
    if ("outcome" in event) {
      const { type, job, outcome } = event;
      const series = this.tally.getSeries(job.queue, job.name);
      series.ended[type] += 1;
      // Unknown jobs did not run. Fenced attempts count where the job runs to its end.
      if (outcome.kind === "unknown" || type === "fenced") return;
      series.run.add(event.runMs);
      series.wait.add(job.waitMs);
    } else if (event.type === "rescued") {
      for (const { queue, name, state } of event.jobs)
        this.tally.getSeries(queue, name).ended[state === "queued" ? "rescued" : state] += 1;
    }
  }

  async write(): Promise<void> {
    const counts = this.tally.listUnrecorded();
    for (let from = 0; from < counts.length; from += maxCountsPerStatement) {
      const part = counts.slice(from, from + maxCountsPerStatement);
      await recordStats(this.db, part);
      for (const { confirm } of part) confirm();
    }
  }

  tasks(): PeriodicTask[] {
    return [
      { operation: "writing statistics", everyMs, run: () => this.write() },
      {
        operation: "folding and pruning statistics",
        everyMs: upkeepMs,
        run: async (stop) => {
          for (const step of [
            ...foldings.map((folding) => () => foldStats(this.db, folding)),
            () => pruneStats(this.db),
          ]) {
            let hasMore = true;
            while (hasMore && !stop.aborted) hasMore = await step();
          }
        },
      },
    ];
  }
}
