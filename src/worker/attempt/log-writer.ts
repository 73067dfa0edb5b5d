import { splitIntoBatches } from "../../core/batches.js";
import { classifyFailure } from "../../core/failure.js";
import { bisectFailures } from "../../core/bisect-failures.js";
import type { Queryable } from "../../core/queryable.js";
import { appendLogs, type LoggedLines } from "../../jobs/settle/append-logs.js";
import { BatchLimit } from "../timing/batch-limit.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";

const everyMs = 1_000;
const jobsPerStatement = 50;

/** The log lines of an attempt that are not written yet. */
interface UnwrittenLog {
  /** Whether the lines must not be written now. */
  readonly isDeferred: boolean;
  snapshot(): LoggedLines;
  confirmWritten(lines: readonly string[]): void;
}

/** Writes the log lines of running jobs, so that they can be read before the jobs end. The last lines are written by the settle. */
export class LogWriter {
  /** The logs that have lines to write. */
  readonly #waiting = new Set<UnwrittenLog>();
  readonly #limit = new BatchLimit(jobsPerStatement);

  constructor(
    private readonly db: Queryable,
    readonly emit: WorkerEventListener,
  ) {}

  /** Schedules the lines for the next write. */
  schedule(log: UnwrittenLog): void {
    this.#waiting.add(log);
  }

  forget(log: UnwrittenLog): void {
    this.#waiting.delete(log);
  }

  task(): PeriodicTask {
    return { operation: "writing job logs", everyMs, run: () => this.#write() };
  }

  async #write(): Promise<void> {
    const due = [...this.#waiting].filter(({ isDeferred }) => !isDeferred);
    const logs = new Map(due.map((log) => [log.snapshot(), log]));
    for (const batch of splitIntoBatches([...logs.keys()], this.#limit.rows, bytesOf)) {
      const appended = await bisectFailures(
        batch,
        (part) => this.#append(part),
        (snapshot, error) => {
          // The settle writes the lines, or leaves them out if PostgreSQL refuses them again.
          if (classifyFailure(error) === "row") this.#waiting.delete(logs.get(snapshot) as UnwrittenLog);
          this.emit({ type: "error", operation: `writing the log of job #${snapshot.id}`, error });
        },
      );
      // Logs that are missing from `appended` were locked, or their attempt is fenced and about to end.
      for (const snapshot of appended) {
        const log = logs.get(snapshot) as UnwrittenLog;
        this.#waiting.delete(log);
        log.confirmWritten(snapshot.lines);
      }
    }
  }

  async #append(snapshots: readonly LoggedLines[]): Promise<LoggedLines[]> {
    try {
      const appended = await appendLogs(this.db, snapshots);
      this.#limit.grow();
      return appended;
    } catch (error) {
      this.#limit.shrink();
      throw error;
    }
  }
}

function bytesOf({ lines }: LoggedLines): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
}
