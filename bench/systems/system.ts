/** The configuration of a system's worker. */
export type Mode =
  /** The fastest configuration according to its documentation. */
  | "batched"
  /** The same, and completed jobs are deleted. */
  | "deleted"
  /** One statement claims each job, and one settles it. */
  | "unbatched"
  /** The default configuration, with notifications of new jobs where the system has them: for latency. */
  | "prompt"
  /** Works an empty queue. */
  | "resting";

/** The guarantees of a system in its fastest mode. Figures of systems with different guarantees are not comparable as such. */
export interface Guarantees {
  /** A worker whose lease expired cannot settle a job that another worker has taken over. */
  readonly fence: boolean;
  /** The handler's result is stored. */
  readonly result: boolean;
  /** Completed jobs are kept and can be read. */
  readonly history: boolean;
  /** Each of several jobs that are settled together has its own outcome. */
  readonly perJobOutcome: boolean;
  /** A validator checks the payload before the handler runs. */
  readonly validated: boolean;
}

/** The benchmark's interface to a job queue on PostgreSQL. */
export interface System {
  readonly name: string;
  readonly version: string;
  readonly guarantees: Guarantees;
  /** The settings of each mode, for the report. */
  readonly settings: Readonly<Partial<Record<Mode, string>>>;
  /** The number of worker processes that is fastest for a backlog on two cores. */
  readonly processes: (mode: Mode) => number;
  /** Creates its tables in an empty database. */
  install(url: string): Promise<void>;
  /** Opens a producer, with which an application enqueues. */
  openProducer(url: string, connections: number): Promise<Producer>;
  /** Starts a worker in this process. Each handler calls `onJob` in its first line. */
  startWorker(url: string, mode: Mode, onJob: (payload: Payload) => void): Promise<Worker>;
  /** SQL that returns one boolean: whether there is a job that was claimed and is not settled. */
  readonly unsettled: string;
}

export interface Payload {
  readonly n: number;
  /** Text of the length that the scenario needs. */
  readonly text?: string;
  /** When it was enqueued: milliseconds since 1970, with fractions. */
  readonly at?: number;
}

export interface Producer {
  /** Enqueues one job, due now, with the system's function for one job. */
  add(payload: Payload): Promise<void>;
  /** Enqueues all jobs with the system's bulk function. */
  addMany(payloads: readonly Payload[]): Promise<void>;
  close(): Promise<void>;
}

export interface Worker {
  /** Resolves when all claimed jobs are settled. */
  stop(): Promise<void>;
}
