/** How many connections a worker opens at the most, by what they are for. */
export interface ConnectionBudget {
  /** Claims, settles and duties. */
  readonly engine: number;
  /** Beats, which wait for none of these. */
  readonly beats: number;
  /** Wake-ups and cancellations. */
  readonly listener: number;
  /** Transactions of handlers. */
  readonly transactions: number;
}

const mostForEngine = 4;

/** With fewer, one would wait for another. */
export const fewestConnections = 3;
export const defaultConnections = 6;

/** Shares out the connections that a worker may open. */
export function connectionBudget(maxConnections: number): ConnectionBudget {
  const [beats, listener, transactions] = [1, 1, 0];
  return { engine: Math.min(mostForEngine, maxConnections - beats - listener), beats, listener, transactions };
}

/** All of a budget. */
export function totalOf({ engine, beats, listener, transactions }: ConnectionBudget): number {
  return engine + beats + listener + transactions;
}
