import { maxLogLines, toLinesJson, type LoggedLines } from "../../jobs/settle/append-logs.js";
import type { ClaimedJob } from "../../jobs/claim/claim.js";
import { toLogLineJson, toMessageText } from "../../jobs/row/log-line.js";
import { EventJob } from "../events/event-job.js";
import type { LogWriter } from "./log-writer.js";

/** The attempt whose handler logs. */
export interface LoggingAttempt {
  readonly job: ClaimedJob;
  /** The session that claimed it. */
  readonly workerId: string;
  /** When the claim was answered, by `performance.now()`. */
  readonly claimedAt: number;
  /**
   * Log lines are not written while the handler's transaction is open. Writing them changes the job's row, and the settle of a
   * REPEATABLE READ or SERIALIZABLE transaction would then fail.
   */
  readonly inTransaction: boolean;
}

/** Buffers the log lines of one attempt until they are written. */
export class JobLog {
  /** The lines that are not confirmed as written. */
  #lines: string[] = [];
  #lastUs = -1;
  #hasEnded = false;

  constructor(
    private readonly attempt: LoggingAttempt,
    private readonly writer: LogWriter,
  ) {}

  /** Never throws, whatever its arguments. */
  add(message: unknown, fields: unknown): void {
    const { job, claimedAt } = this.attempt;
    this.writer.emit({
      type: "logged",
      job: new EventJob(job),
      message: toMessageText(message),
      ...(typeof fields === "object" && fields !== null && { fields: fields as Record<string, unknown> }),
    });
    // The handler continues after its attempt ended, and no claim is left to write under.
    if (this.#hasEnded) return;
    this.#lastUs = Math.max(this.#lastUs + 1, Math.round((performance.now() - claimedAt) * 1_000));
    this.#lines.push(toLogLineJson({ message, fields, attempt: job.attempt, afterUs: this.#lastUs }));
    if (this.#lines.length > maxLogLines) this.#lines.shift();
    this.writer.schedule(this);
  }

  /** Whether the lines have to wait for the end of a transaction. */
  get isDeferred(): boolean {
    return this.attempt.inTransaction;
  }

  snapshot(): LoggedLines {
    const { job, workerId } = this.attempt;
    return { workerId, id: job.id, claimToken: job.claimToken, lines: [...this.#lines] };
  }

  confirmWritten(lines: readonly string[]): void {
    const writtenLines = new Set(lines);
    this.#lines = this.#lines.filter((line) => !writtenLines.has(line));
    if (this.#lines.length > 0 && !this.#hasEnded) this.writer.schedule(this);
  }

  /** Returns the unwritten lines as one JSON text for the settle; undefined if there are none. */
  serializeUnwritten(): string | undefined {
    return this.#lines.length > 0 ? toLinesJson(this.#lines) : undefined;
  }

  /** Accepts no more lines. */
  end(): void {
    this.#hasEnded = true;
    this.writer.forget(this);
  }
}
