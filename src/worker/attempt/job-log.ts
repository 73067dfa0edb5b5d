import { keptLines, linesJson, type LoggedLines } from "../../jobs/settle/append-logs.js";
import type { ClaimedJob } from "../../jobs/claim/claim.js";
import { logLineJson, messageText } from "../../jobs/row/log-line.js";
import { EventJob } from "../events/event-job.js";
import type { LogWriter } from "./log-writer.js";

/** The attempt whose handler logs. */
export interface LoggingAttempt {
  readonly job: ClaimedJob;
  /** The session that claimed it. */
  readonly workerId: string;
  /** When the claim was answered, by `performance.now()`. */
  readonly claimedAt: number;
  /** A stricter transaction than READ COMMITTED would fail at its settle if the job's row had changed meanwhile. */
  readonly inTransaction: boolean;
}

/** What one attempt's handler logs, until it is written. */
export class JobLog {
  /** Those that are not known to be written. */
  #lines: string[] = [];
  #lastUs = -1;
  #ended = false;

  constructor(
    private readonly attempt: LoggingAttempt,
    private readonly writer: LogWriter,
  ) {}

  /** Never throws, whatever it is given. */
  add(message: unknown, fields: unknown): void {
    const { job, claimedAt } = this.attempt;
    this.writer.emit({
      type: "logged",
      job: new EventJob(job),
      message: messageText(message),
      ...(typeof fields === "object" && fields !== null && { fields: fields as Record<string, unknown> }),
    });
    // A handler that goes on after its job's end: there is no claim to write under any more.
    if (this.#ended) return;
    this.#lastUs = Math.max(this.#lastUs + 1, Math.round((performance.now() - claimedAt) * 1_000));
    this.#lines.push(logLineJson({ message, fields, attempt: job.attempt, afterUs: this.#lastUs }));
    if (this.#lines.length > keptLines) this.#lines.shift();
    this.writer.later(this);
  }

  /** Whether the lines wait for the end of a transaction. */
  get held(): boolean {
    return this.attempt.inTransaction;
  }

  logged(): LoggedLines {
    const { job, workerId } = this.attempt;
    return { workerId, id: job.id, claimToken: job.claimToken, lines: [...this.#lines] };
  }

  written(lines: readonly string[]): void {
    const known = new Set(lines);
    this.#lines = this.#lines.filter((line) => !known.has(line));
    if (this.#lines.length > 0 && !this.#ended) this.writer.later(this);
  }

  /** The rest as one JSON text, for the settle; undefined if there is none. */
  unwritten(): string | undefined {
    return this.#lines.length > 0 ? linesJson(this.#lines) : undefined;
  }

  /** Takes no more. */
  end(): void {
    this.#ended = true;
    this.writer.forget(this);
  }
}
