// The application of a chaos run: enqueues jobs in transactions, rolls some back, cancels some, holds on to some.
import { setTimeout as sleep } from "node:timers/promises";
import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import type { Pool } from "pg";
import { cancelJob, enqueue, type Queryable } from "soniq-drizzle";
import type { Random } from "../support/random.ts";
import type { Enqueues } from "./history.ts";
import { failing, large, orders, plain, snoozing, transactional } from "./jobs.ts";

export interface LoadInput {
  readonly pool: Pool;
  readonly random: Random;
  readonly seconds: number;
  readonly jobsPerSecond: number;
  /** The share of jobs that are cancelled soon after they are enqueued. */
  readonly cancelled: number;
}

class RolledBack extends Error {}

/** So many keys: each is held by a job most of the time. */
const keys = 5;

/** Runs for its time, then ends what it has begun. @returns what it knows of its transactions */
export async function runLoad(
  { pool, random, seconds, jobsPerSecond, cancelled }: LoadInput,
  stop: AbortSignal,
): Promise<Enqueues> {
  const committed: number[] = [];
  const rolledBack: number[] = [];
  const together: number[] = [];
  const under = new Set<Promise<void>>();
  const began = performance.now();
  let due = 0;
  for (let n = 1; due < seconds * 1_000 && !stop.aborted; n += 1) {
    const place = async (order: Draw) => {
      const fate = await placeOrder(pool, order, stop);
      if (fate === "committed") committed.push(order.n);
      if (fate === "rolled back") rolledBack.push(order.n);
      if (order.inTransaction && fate !== "deduplicated") together.push(order.n);
    };
    const step = place(draw(n, random, cancelled));
    under.add(step);
    void step.finally(() => under.delete(step));
    due += (random.next() * 2_000) / jobsPerSecond;
    await sleep(Math.max(0, began + due - performance.now()));
  }
  await Promise.all(under);
  return { committed, rolledBack, together };
}

/** One transaction of the application, drawn before it begins so that its course changes no other. */
interface Draw {
  readonly n: number;
  readonly enqueue: (db: Queryable) => Promise<{ id: number; deduplicated: boolean }>;
  /** Together with an order, in one transaction. */
  readonly inTransaction: boolean;
  readonly rollsBack: boolean;
  /** How long the transaction stays open after the enqueue. */
  readonly openMs: number;
  /** After the commit; undefined: not at all. */
  readonly cancelAfterMs: number | undefined;
}

function draw(n: number, random: Random, cancelled: number): Draw {
  const ms = random.below(400);
  const times = 1 + random.below(3);
  const deaf = random.next() < 0.3;
  const delay = random.next() < 0.2 ? { delay: random.below(4_000) } : {};
  const priority = random.below(10);
  const options = { priority, ...delay };
  const rollsBack = random.next() < 0.1;
  const openMs = random.below(3_000);
  const cancelAfterMs = random.next() < cancelled ? random.below(1_000) : undefined;
  const bytes = 200_000 + random.below(700_000);
  const key = `key ${random.below(keys)}`;
  const common = {
    n,
    inTransaction: rollsBack || random.next() < 0.7,
    rollsBack,
    openMs: random.next() < 0.1 ? openMs : 0,
    cancelAfterMs,
  };
  const kind = random.next();
  if (kind < 0.15) return { ...common, enqueue: (db) => enqueue(db, snoozing, { n, ms, times }, options) };
  if (kind < 0.3) return { ...common, enqueue: (db) => enqueue(db, failing, { n, ms, times }, options) };
  if (kind < 0.65) return { ...common, enqueue: (db) => enqueue(db, transactional, { n, ms }, options) };
  if (kind < 0.75) {
    // Held by a long job most of the time: the order's foreign key then refers to a job that waits or runs, and keeps it so.
    const uniqueKey = key;
    const long = { n, ms: 500 + 4 * ms, deaf };
    return {
      ...common,
      inTransaction: true,
      openMs,
      enqueue: (db) => enqueue(db, plain, long, { ...options, uniqueKey }),
    };
  }
  if (kind < 0.8) return { ...common, enqueue: (db) => enqueue(db, large, { n, ms, bytes }, options) };
  return { ...common, enqueue: (db) => enqueue(db, plain, { n, ms, deaf }, options) };
}

/** Drizzle's own way from a pool keeps the connection for ever when its `begin` fails. */
async function inTransaction(pool: Pool, body: Parameters<NodePgDatabase["transaction"]>[0]): Promise<void> {
  const client = await pool.connect();
  let committed = false;
  try {
    await drizzle({ client }).transaction(body);
    committed = true;
  } finally {
    client.release(!committed);
  }
}

/** @returns what became of the job of this number; "unknown": its commit was not answered; "deduplicated": another job holds its key */
async function placeOrder(
  pool: Pool,
  { n, ...order }: Draw,
  stop: AbortSignal,
): Promise<"committed" | "rolled back" | "unknown" | "deduplicated"> {
  let id: number | undefined;
  let deduplicated = false;
  let committing = false;
  try {
    if (order.inTransaction) {
      await inTransaction(pool, async (tx) => {
        ({ id, deduplicated } = await order.enqueue(tx));
        await tx.insert(orders).values({ n, jobId: id });
        await sleep(order.openMs, undefined, { signal: stop });
        if (order.rollsBack) throw new RolledBack();
        committing = true;
      });
    } else {
      committing = true;
      ({ id, deduplicated } = await order.enqueue(drizzle({ client: pool })));
    }
  } catch {
    if (deduplicated) return "deduplicated";
    return committing ? "unknown" : "rolled back";
  }
  if (order.cancelAfterMs !== undefined && id !== undefined) {
    await sleep(order.cancelAfterMs);
    // PostgreSQL may be away: then it is not cancelled.
    await cancelJob(drizzle({ client: pool }), id).catch(() => {});
  }
  return deduplicated ? "deduplicated" : "committed";
}
