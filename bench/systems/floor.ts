import { drizzle } from "drizzle-orm/postgres-js";
import type { Sql } from "postgres";
import { openClient } from "../../dist/src/database/client.js";
import { claim } from "../../dist/src/jobs/claim/claim.js";
import { type ClaimPosition, ClaimPositions } from "../../dist/src/jobs/claim/claim-positions.js";
import { wakeUpChannel } from "../../dist/src/sessions/doorbell.js";
import { enqueue } from "../../dist/src/index.js";
import { settle } from "../../dist/src/jobs/settle/settle.js";
import { openSession, publishIdleQueues } from "../../dist/src/sessions/session.js";
import { noop, soniqDrizzle } from "./soniq-drizzle.ts";
import type { Payload, System } from "./system.ts";

const jobsPerClaim = 500;
const loops = 2;
const result = '{"ok":true}';

/**
 * The limit that PostgreSQL and its driver set: soniq-drizzle's own statements, sent by a bare loop without handler,
 * validator, lease or retry.
 */
export const floor: System = {
  name: "floor",
  version: soniqDrizzle.version,
  guarantees: { fence: true, result: true, history: true, perJobOutcome: false, validated: false },
  settings: {
    batched: `${loops} loops of claims and settles of ${jobsPerClaim}`,
    prompt: "a claim at each notification",
  },
  processes: () => 1,
  install: soniqDrizzle.install,
  unsettled: soniqDrizzle.unsettled,
  async openProducer(url, connections) {
    const bulk = await soniqDrizzle.openProducer(url, connections);
    const client = connect(url, connections);
    const sentinel: Payload = { n: -1, at: 0 };
    const insert = await statementOf((db) => enqueue(db, noop, sentinel));
    return {
      ...bulk,
      add: async (payload) => void (await insert(client, { [JSON.stringify(sentinel)]: JSON.stringify(payload) })),
      async close() {
        await Promise.all([bulk.close(), client.end()]);
      },
    };
  },
  async startWorker(url, mode, onJob) {
    const client = connect(url, 2 * loops);
    const db = drizzle({ client });
    const workerId = await openSession(db, { host: "", pid: 0, version: "", queues: {}, leaseMs: 1e9 });
    const line = await openLine(client, workerId);
    const listener = connect(url, 1);
    let stopped = false;
    const begun: Promise<unknown>[] = [];
    if (mode === "prompt") {
      await publishIdleQueues(db, workerId, ["default"]);
      await listener.listen(wakeUpChannel, async () => {
        const claimed = await line.claim();
        for (const { payload } of claimed) onJob(JSON.parse(payload) as Payload);
        await line.settle(claimed);
      });
    } else {
      for (let i = 0; i < loops; i += 1) begun.push(loop());
    }

    async function loop(): Promise<void> {
      let settling: Promise<unknown> | undefined;
      while (!stopped) {
        const claimed = await line.claim();
        if (claimed.length === 0) break;
        for (const _ of claimed) onJob({ n: 0 });
        await settling;
        settling = line.settle(claimed);
      }
      await settling;
    }

    return {
      async stop() {
        stopped = true;
        await Promise.all(begun);
        await Promise.all([client.end({ timeout: 1 }), listener.end({ timeout: 1 })]);
      },
    };
  },
};

interface ClaimedRow {
  readonly id: string;
  readonly priority: number;
  readonly due: string;
  readonly payload: string;
}

/** A placeholder in the parameters, replaced by the token of each claim. */
const sentinelToken = 987_654_321;

/** Claims from claim positions, and settles. */
async function openLine(client: Sql, workerId: string) {
  const positions = new ClaimPositions();
  const rangesOf = (starts: readonly ClaimPosition[]) =>
    JSON.stringify(starts.map((position) => ({ ...position, endAt: "infinity", endId: 0 })));
  const from: ClaimPosition[] = [{ priority: 0, runAt: "-infinity", id: -1 }];
  const claiming = await statementOf((db) =>
    claim(db, {
      workerId,
      claimToken: sentinelToken,
      queue: "default",
      limit: jobsPerClaim,
      from,
      deadlines: "{}",
      defaultDeadlineMs: 60_000,
      asyncCommit: true,
    }),
  );
  let lastToken = 0;
  const jsonOf = (rows: readonly { id: number | string; claimToken: number }[]) =>
    `[${rows.map(({ id, claimToken }) => `{"id":${id},"token":${claimToken},"result":${result}}`).join()}]`;
  const one = [{ id: 1, claimToken: 1, outcome: { kind: "completed" as const, result } }];
  const settling = await statementOf((db) => settle(db, workerId, one));
  return {
    async claim() {
      const claimToken = (lastToken += 1);
      const rows = await claiming<ClaimedRow>(client, {
        [rangesOf(from)]: rangesOf(positions.starts()),
        [sentinelToken]: claimToken,
      });
      const last = rows.map(({ priority, due, id }) => ({ priority, runAt: due, id: Number(id) }));
      positions.advance(last.toSorted((a, b) => a.priority - b.priority || (a.runAt < b.runAt ? -1 : 1)));
      return rows.map(({ id, payload }) => ({ id, payload, claimToken }));
    },
    settle: (rows: readonly { id: string; claimToken: number }[]) =>
      settling(client, {
        [jsonOf(one)]: jsonOf(rows),
        [String(one.length)]: rows.length,
      }),
  };
}

/** Records a statement as the product sends it, so that it can be sent again with some parameters replaced. */
async function statementOf(send: (db: ReturnType<typeof drizzle>) => Promise<unknown>) {
  let said: { text: string; parameters: unknown[] } | undefined;
  const logger = { logQuery: (text: string, parameters: unknown[]) => void (said ??= { text, parameters }) };
  // No database is connected that could answer.
  await send(drizzle.mock({ logger }) as never).catch(() => {});
  if (!said) throw new Error("the product sent no statement");
  const { text, parameters } = said;
  return async <Row>(client: Sql, instead: Readonly<Record<string, string | number>>): Promise<Row[]> => {
    const sent = parameters.map((value) => instead[String(value)] ?? value);
    return [...(await client.unsafe(text, sent as never[], { prepare: true }))] as Row[];
  };
}

/** Connects as the product does. */
function connect(url: string, max: number): Sql {
  return openClient({
    url,
    connections: max,
    route: "direct",
    use: "statements",
    replyTimeoutMs: 60_000,
    onBroken() {},
  }).sql;
}
