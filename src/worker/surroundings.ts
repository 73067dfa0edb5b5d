import type { Tell } from "./events.js";
import type { LogWriter } from "./log-writer.js";
import type { Settings } from "./settings.js";
import type { Settler } from "./settler.js";
import type { TransactionDeps } from "./transaction-try.js";
import type { Turns } from "./turns.js";

/** What bounds the attempts of a worker. */
interface AttemptLimits {
  /** How long a handler may take to end after its signal was aborted, before the worker goes on without it. */
  readonly timeoutGraceMs: number;
  /** How long a job of an unknown name is given back, before it is dead. */
  readonly unknownGraceMs: number;
  /** The same for one whose payload is refused, while other code works its queue. */
  readonly refusedGraceMs: number;
  readonly maxCrashes: number;
}

/** What a queue worker asks of the worker it belongs to. */
export interface Surroundings {
  readonly settings: Settings;
  readonly settler: Settler;
  readonly transactions: TransactionDeps;
  readonly logs: LogWriter;
  readonly limits: AttemptLimits;
  readonly turns: Turns;
  /** A number from 0 to 1, for the jitter of delays. */
  random(): number;
  readonly tell: Tell;
  /** Whether anybody listens: what is told of each job as it starts need not be made for nobody. */
  readonly heard: boolean;
  /** The session to claim for. */
  workerId(): string;
  /** Says whether this queue waits for work. @returns whether that is news, once those who enqueue can know it */
  setIdle(queue: string, idle: boolean): Promise<boolean>;
  /** Jobs may have been claimed without this worker knowing. */
  claimFailed(queue: string, error: unknown): void;
}
