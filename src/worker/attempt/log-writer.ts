import { splitIntoBatches } from "../../core/batches.js";
import { classifyFailure } from "../../core/failure.js";
import { bisectFailures } from "../../core/in-halves.js";
import type { Queryable } from "../../core/queryable.js";
import { appendLogs, type LoggedLines } from "../../jobs/settle/append-logs.js";
import { BatchLimit } from "../timing/batch-limit.js";
import type { PeriodicTask } from "../timing/periodic-tasks.js";
import type { WorkerEventListener } from "../events/events.js";

const everyMs = 1_000;
const jobsPerStatement = 50;

/** What an attempt has logged, and is not written yet. */
interface UnwrittenLog {
  /** Whether it is not to be written now. */
  readonly held: boolean;
  logged(): LoggedLines;
  written(lines: readonly string[]): void;
}

/** Writes what running jobs have logged, so that it can be read meanwhile. What they log last goes with their settle. */
export class LogWriter {
  /** Those that have lines to write. */
  readonly #waiting = new Set<UnwrittenLog>();
  readonly #limit = new BatchLimit(jobsPerStatement);

  constructor(
    private readonly db: Queryable,
    readonly emit: WorkerEventListener,
  ) {}

  /** Its lines go with the next round. */
  later(log: UnwrittenLog): void {
    this.#waiting.add(log);
  }

  forget(log: UnwrittenLog): void {
    this.#waiting.delete(log);
  }

  task(): PeriodicTask {
    return { operation: "writing what jobs have logged", everyMs, run: () => this.#write() };
  }

  async #write(): Promise<void> {
    const round = [...this.#waiting].filter(({ held }) => !held);
    const logs = new Map(round.map((log) => [log.logged(), log]));
    for (const batch of splitIntoBatches([...logs.keys()], this.#limit.rows, bytesOf)) {
      const appended = await bisectFailures(
        batch,
        (some) => this.#append(some),
        (logged, error) => {
          // Its lines go with its settle, or are left out of that.
          if (classifyFailure(error) === "row") this.#waiting.delete(logs.get(logged) as UnwrittenLog);
          this.emit({ type: "error", operation: `writing what job #${logged.id} has logged`, error });
        },
      );
      // What is missing there was locked, or is fenced and about to end.
      for (const logged of appended) {
        const log = logs.get(logged) as UnwrittenLog;
        this.#waiting.delete(log);
        log.written(logged.lines);
      }
    }
  }

  async #append(logged: readonly LoggedLines[]): Promise<LoggedLines[]> {
    try {
      const appended = await appendLogs(this.db, logged);
      this.#limit.succeeded();
      return appended;
    } catch (error) {
      this.#limit.failed();
      throw error;
    }
  }
}

function bytesOf({ lines }: LoggedLines): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
}
