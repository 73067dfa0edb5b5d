/** The maximum number of connections that a worker opens, by purpose. */
export interface ConnectionBudget {
  /** Claims, settles and periodic tasks. */
  readonly engine: number;
  /** Heartbeats, which must not wait for the engine's statements. */
  readonly beats: number;
  /** Wake-ups and cancellations. */
  readonly listener: number;
  /** Transactions of handlers. Each connection is opened when a handler first needs it. */
  readonly transactions: number;
}

const maxEngineConnections = 4;

/** One connection per purpose: with fewer, one purpose would wait for another. */
export const minConnections = 4;

/** Divides the connections that a worker may open. Without a limit, each running job may have a transaction. */
export function computeConnectionBudget({
  maxConnections = Infinity,
  queues,
}: {
  readonly maxConnections: number | undefined;
  /** Concurrency by queue. */
  readonly queues: Readonly<Record<string, number>>;
}): ConnectionBudget {
  const [beats, listener] = [1, 1];
  const maxRunningJobs = Object.values(queues).reduce((sum, concurrency) => sum + concurrency, 0);
  const available = maxConnections - beats - listener;
  const engine = Math.min(maxEngineConnections, Math.ceil(available / 2));
  return { engine, beats, listener, transactions: Math.min(maxRunningJobs, available - engine) };
}

export function countConnections({ engine, beats, listener, transactions }: ConnectionBudget): number {
  return engine + beats + listener + transactions;
}
