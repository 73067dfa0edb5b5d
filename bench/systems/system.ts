/** How a system's worker is set up. */
export type Mode =
  /** As fast as its documentation says it can be set up. */
  | "batched"
  /** The same, and completed jobs are deleted. */
  | "deleted"
  /** Each job is claimed by a statement of its own, and settled by one. */
  | "unbatched"
  /** As it is by default, but told of new jobs at once where it can be: for latency. */
  | "prompt"
  /** Works a queue in which there is nothing. */
  | "resting";

/** What a system does beside running the handler, in its fastest mode: speed without these is another product. */
export interface Guarantees {
  /** A worker that was thought dead cannot settle a job that runs elsewhere by now. */
  readonly fence: boolean;
  /** The handler's result is kept. */
  readonly result: boolean;
  /** Completed jobs are kept, to be looked at. */
  readonly history: boolean;
  /** Of jobs that were settled together, each has its own outcome. */
  readonly perJobOutcome: boolean;
  /** The payload is checked by a validator before the handler runs. */
  readonly validated: boolean;
}

/** A job queue on PostgreSQL, as the benchmark drives it. */
export interface System {
  readonly name: string;
  readonly version: string;
  readonly guarantees: Guarantees;
  /** The settings that make each mode what it is, for the report. */
  readonly settings: Readonly<Partial<Record<Mode, string>>>;
  /** How many worker processes work a backlog fastest on two cores. */
  readonly processes: (mode: Mode) => number;
  /** Creates its tables in an empty database. */
  install(url: string): Promise<void>;
  /** Opens what an application enqueues with. */
  openProducer(url: string, connections: number): Promise<Producer>;
  /** Works the queue in this process: `onJob` is called on each handler's first line. */
  startWorker(url: string, mode: Mode, onJob: (payload: Payload) => void): Promise<Worker>;
  /** SQL of one row and column: whether some job has been handed out and is not settled. */
  readonly unsettled: string;
}

export interface Payload {
  readonly n: number;
  /** Of as many characters as the scenario wants. */
  readonly text?: string;
  /** When it was enqueued: milliseconds since 1970, with fractions. */
  readonly at?: number;
}

export interface Producer {
  /** Enqueues one job, due now, with the system's own function for that. */
  add(payload: Payload): Promise<void>;
  /** Enqueues all, with the system's own function for many. */
  addMany(payloads: readonly Payload[]): Promise<void>;
  close(): Promise<void>;
}

export interface Worker {
  /** Resolves when all jobs that were handed out are settled. */
  stop(): Promise<void>;
}
