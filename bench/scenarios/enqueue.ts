import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { enqueue as enqueueJob } from "../../dist/src/index.js";
import { soniqJobs } from "../../dist/schema/index.js";
import { now } from "../clock.ts";
import { line, formatSummary } from "../findings.ts";
import { interleave, type Results } from "../rounds.ts";
import { type Database, settleDown } from "../server.ts";
import { bullmq } from "../systems/bullmq.ts";
import { graphileWorker } from "../systems/graphile-worker.ts";
import { pgBoss } from "../systems/pg-boss.ts";
import { noop, soniqDrizzle } from "../systems/soniq-drizzle.ts";
import type { System } from "../systems/system.ts";
import { WorkerProcesses } from "../worker-processes.ts";
import { insertQueued } from "./rows.ts";
import type { Scenario, Stage } from "./scenario.ts";

const writerCounts = [1, 16, 32] as const;
type Writers = (typeof writerCounts)[number];
/** Enough that workers do not finish it while jobs are enqueued. */
const backlog = { quick: 120_000, full: 400_000 };

interface Contestant {
  readonly system: System;
  /** `busy`: the worker works off a backlog in the meantime; `idle`: it waits for work. */
  readonly workers?: "busy" | "idle";
  /** Opens a producer that enqueues one job per call. */
  open(url: string, writers: number): Promise<{ add(): Promise<unknown>; close(): Promise<void> }>;
}

const payload = { n: 1 };

/** An application's transaction with one statement. */
function inTransaction(
  statement: (tx: Parameters<Parameters<ReturnType<typeof drizzle>["transaction"]>[0]>[0]) => Promise<unknown>,
): Contestant["open"] {
  return async (url, writers) => {
    const client = postgres(url, { max: writers, onnotice() {} });
    const db = drizzle({ client });
    return { add: () => db.transaction((tx) => statement(tx)), close: () => client.end() };
  };
}

const plainInsert = inTransaction((tx) =>
  tx.insert(soniqJobs).values({ name: "noop", payload }).returning({ id: soniqJobs.id }),
);
const transactional = inTransaction((tx) => enqueueJob(tx, noop, payload));

const single = (system: System): Contestant => ({
  system,
  async open(url, writers) {
    const producer = await system.openProducer(url, writers);
    return { add: () => producer.add(payload), close: () => producer.close() };
  },
});

const contestants: Readonly<Record<string, Contestant>> = {
  "plain insert in a transaction, workers busy": { system: soniqDrizzle, workers: "busy", open: plainInsert },
  "soniq-drizzle in a transaction, workers busy": { system: soniqDrizzle, workers: "busy", open: transactional },
  "plain insert in a transaction, workers idle": { system: soniqDrizzle, workers: "idle", open: plainInsert },
  "soniq-drizzle in a transaction, workers idle": { system: soniqDrizzle, workers: "idle", open: transactional },
  "soniq-drizzle": single(soniqDrizzle),
  "graphile-worker": single(graphileWorker),
  "pg-boss": single(pgBoss),
  BullMQ: single(bullmq),
};

/** Jobs per call: few, so that the cost of a call apart from its rows is visible. */
const batchSizes = [10, 128] as const;
const batchWriterCounts = [1, 16] as const;
const batchPeers = [graphileWorker, pgBoss];
const batchContestants = [soniqDrizzle, ...batchPeers];
type BatchFigure = `${(typeof batchSizes)[number]} by ${(typeof batchWriterCounts)[number]}`;
const batchFigures = batchSizes.flatMap((size) =>
  batchWriterCounts.map((writers) => ({ size, writers, figure: `${size} by ${writers}` as const })),
);

export const enqueue: Scenario = {
  name: "enqueue",
  what: "one job per call, and a few per call, by several writers at once",
  async run(stage) {
    const { server, quick, rounds, showStatus } = stage;
    const forMs = quick ? 500 : 1_500;
    const results = await interleave<`${Writers}`>(rounds, Object.keys(contestants), async (name, round) => {
      showStatus(`${name}, round ${round + 1} of ${rounds}`);
      const { system, workers, open } = contestants[name] as Contestant;
      return server.withDatabase(system, async (database) => {
        const working = workers && (await startWorkers(database, system, workers, quick));
        const rates: Partial<Record<`${Writers}`, number>> = {};
        for (const writers of writerCounts) {
          const { add, close } = await open(database.url, writers);
          await write(add, writers, forMs / 5);
          rates[`${writers}`] = await write(add, writers, forMs);
          await close();
        }
        await working?.stop();
        return rates;
      });
    });
    const of = (name: string, writers: Writers) => results.of(name, `${writers}`);
    const batches = await measureBatches(stage, forMs);
    return {
      tables: [
        {
          title: "jobs/s",
          columns: ["", ...writerCounts.map((writers) => `${writers} writers`)],
          rows: Object.keys(contestants).map((name) => [
            name,
            ...writerCounts.map((writers) => formatSummary(of(name, writers))),
          ]),
        },
        {
          title: "jobs/s, several per call",
          columns: ["", ...batchFigures.map(({ size, writers }) => `${size} per call, ${countOf(writers)}`)],
          rows: batches.contestants.map((name) => [
            name,
            ...batchFigures.map(({ figure }) => formatSummary(batches.of(name, figure))),
          ]),
        },
      ],
      lines: [
        ...writerCounts.flatMap((writers) => [
          line(
            `enqueue in a transaction, ${writers} writers, workers busy: against a plain insert`,
            { atLeast: 0.9 },
            of("soniq-drizzle in a transaction, workers busy", writers),
            of("plain insert in a transaction, workers busy", writers),
            ["enqueue", "plain insert"],
          ),
          ...["graphile-worker", "pg-boss"].map((peer) =>
            line(
              `enqueue, ${writers} writers: against ${peer}'s single add`,
              { atLeast: 1.5 },
              of("soniq-drizzle", writers),
              of(peer, writers),
              ["soniq-drizzle", peer],
            ),
          ),
        ]),
        ...batchFigures.flatMap(({ size, writers, figure }) =>
          batchPeers.map(({ name: peer }) =>
            line(
              `enqueue ${size} per call, ${countOf(writers)}: against ${peer}`,
              { atLeast: 1 },
              batches.of(soniqDrizzle.name, figure),
              batches.of(peer, figure),
              ["soniq-drizzle", peer],
            ),
          ),
        ),
      ],
      charts: [],
    };
  },
};

const countOf = (writers: number) => (writers === 1 ? "1 writer" : `${writers} writers`);

function measureBatches({ server, rounds, showStatus }: Stage, forMs: number): Promise<Results<BatchFigure>> {
  const names = batchContestants.map(({ name }) => name);
  return interleave<BatchFigure>(rounds, names, (name, round) => {
    showStatus(`${name}, several per call, round ${round + 1} of ${rounds}`);
    const system = batchContestants.find((one) => one.name === name) as System;
    return server.withDatabase(system, async ({ url }) => {
      const rates: Partial<Record<BatchFigure, number>> = {};
      for (const { size, writers, figure } of batchFigures) {
        const producer = await system.openProducer(url, writers);
        const payloads = Array.from({ length: size }, () => payload);
        const add = () => producer.addMany(payloads);
        await write(add, writers, forMs / 5);
        rates[figure] = size * (await write(add, writers, forMs));
        await producer.close();
      }
      return rates;
    });
  });
}

async function startWorkers(
  database: Database,
  system: System,
  workers: "busy" | "idle",
  quick: boolean,
): Promise<WorkerProcesses> {
  if (workers === "busy") await insertQueued(database.sql, quick ? backlog.quick : backlog.full);
  await settleDown(database.sql);
  return WorkerProcesses.start(system, "batched", database.url, 1);
}

/** @returns calls per second of several writers, each of which waits for a call before the next one */
async function write(add: () => Promise<unknown>, writers: number, forMs: number): Promise<number> {
  const began = now();
  const until = began + forMs;
  let calls = 0;
  await Promise.all(
    Array.from({ length: writers }, async () => {
      while (now() < until) {
        await add();
        calls += 1;
      }
    }),
  );
  return calls / ((now() - began) / 1000);
}
