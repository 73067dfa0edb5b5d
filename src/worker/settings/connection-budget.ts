/** How many connections a worker opens at the most, by what they are for. */
export interface ConnectionBudget {
  /** Claims, settles and duties. */
  readonly engine: number;
  /** Beats, which wait for none of these. */
  readonly beats: number;
  /** Wake-ups and cancellations. */
  readonly listener: number;
  /** Transactions of handlers: opened as handlers begin them. */
  readonly transactions: number;
}

const maxForEngine = 4;

/** With fewer, one would wait for another. */
export const minConnections = 4;

/** Shares out the connections that a worker may open; without a limit, each running job may have a transaction. */
export function connectionBudget({
  maxConnections = Infinity,
  queues,
}: {
  readonly maxConnections: number | undefined;
  /** Concurrency by queue. */
  readonly queues: Readonly<Record<string, number>>;
}): ConnectionBudget {
  const [beats, listener] = [1, 1];
  const running = Object.values(queues).reduce((sum, concurrency) => sum + concurrency, 0);
  const left = maxConnections - beats - listener;
  const engine = Math.min(maxForEngine, Math.ceil(left / 2));
  return { engine, beats, listener, transactions: Math.min(running, left - engine) };
}

/** All of a budget. */
export function totalOf({ engine, beats, listener, transactions }: ConnectionBudget): number {
  return engine + beats + listener + transactions;
}
