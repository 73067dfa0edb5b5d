import { and, type Column, type SQL, sql } from "drizzle-orm";
import { interval } from "../../core/fragments.js";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { soniqWorkers } from "../../../schema/workers.js";
import { builder } from "../../core/builder.js";
import { prepareStatement } from "../../core/prepare-statement.js";
import { describeError } from "../../core/errors.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/fetch-rows.js";
import { appendToLogs } from "./append-logs.js";
import { endClaim, appendError } from "../claim/end-claim.js";
import { isPlainCompletion, type Settled, type Settlement, toCompletionJson, toOutcomeJson } from "./settlement.js";

type SettleFunction = (db: Queryable, workerId: string, settlements: readonly Settlement[]) => Promise<Settled[]>;

/** The statements that settle claims. */
export interface SettleStrategy {
  /**
   * active → the state that the outcome gives, for the claims that this session still holds.
   *
   * Finds rows by primary key and fence. With `state = 'active'` in the condition and stale statistics, the planner would walk
   * the owner index.
   *
   * @returns the jobs that were settled; a missing job was *fenced*: its claim had already ended
   */
  readonly settle: SettleFunction;
  /**
   * Like `settle`, but skips locked rows, so that one lock does not hold up the rest of a batch.
   *
   * @returns the jobs that were settled; a missing job was fenced, or its row is locked
   */
  readonly settleUnlocked: SettleFunction;
  /**
   * Whether PostgreSQL would accept the settlement now: runs the statement and makes it fail on purpose, so that no change
   * remains. Does not cover triggers that fire after the statement.
   *
   * @throws the error with which PostgreSQL rejects the settlement
   */
  readonly wouldSettle: (db: Queryable, workerId: string, settlement: Settlement) => Promise<boolean>;
  /** Whether the statements also publish events. Completed jobs must then be settled even where they would otherwise be deleted. */
  readonly emitsEvents: boolean;
}

/** The values of a settle's placeholders. `rows` is a JSON text, `count` the number of its rows. */
export interface SettleValues extends Record<string, unknown> {
  readonly workerId: string;
  readonly rows: string;
  readonly count: number;
}

/** PostgreSQL logs this error, so its text must show that nothing is wrong. */
const rehearsalError = "soniq-drizzle rehearsed a settle";

/**
 * @internal public declarations must not name Drizzle's types
 * @param extraStatement SQL that runs in the same statement. It reads the settled jobs from `settled`, with the columns `id`,
 *   `claim_token`, `last_worker_id`, `state`, `name`, `queue`, `attempt`, `max_attempts` and `reason`, and `error`, the error
 *   that was added, if any
 */
export function createSettleStrategy(extraStatement?: SQL): SettleStrategy {
  const [plain, unlocked, rehearsal] = [
    buildStatements(extraStatement),
    buildStatements(extraStatement, isUnlocked),
    buildStatements(extraStatement, isUnlocked, rehearsalError),
  ];
  return {
    settle: (db, workerId, settlements) => send(plain, db, workerId, settlements),
    settleUnlocked: (db, workerId, settlements) => send(unlocked, db, workerId, settlements),
    wouldSettle: async (db, workerId, settlement) => {
      try {
        await send(rehearsal, db, workerId, [settlement]);
      } catch (error) {
        if (describeError(error).includes(rehearsalError)) return true;
        throw error;
      }
      return false;
    },
    emitsEvents: extraStatement !== undefined,
  };
}

export const plainSettleStrategy = createSettleStrategy();
export const { settle, settleUnlocked } = plainSettleStrategy;

function isUnlocked(): SQL {
  const unlockedRows = new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(sql`${soniqJobs.id} = any (${sql.placeholder("ids")}::text::bigint[])`)
    .orderBy(soniqJobs.id)
    .for("no key update", { skipLocked: true });
  return sql`${soniqJobs.id} = any (array(${unlockedRows}))`;
}

/** Most batches hold only completed jobs without logs: PostgreSQL parses and plans their statement in a fraction of the time. */
function buildStatements(extraStatement?: SQL, condition?: () => SQL, failureText?: string) {
  const statement = (kind: "completions" | "outcomes") =>
    prepareStatement<SettleValues & { ids: string }>((db) => {
      const update = buildSettle(db, kind, condition?.()).returning({
        id: soniqJobs.id,
        claimToken: soniqJobs.claimToken,
        state: soniqJobs.state,
        ...(extraStatement && { ...eventColumns, error: errorColumns[kind] }),
      });
      const withExtra = extraStatement && sql`with settled as (${update.getSQL()}), also as (${extraStatement})`;
      if (failureText === undefined)
        return withExtra ? sql`${withExtra} select id, claim_token, state from settled` : update;
      // Counting the rows makes PostgreSQL write them before the statement fails.
      return sql`${withExtra ?? sql`with settled as (${update.getSQL()})`}
        select (${failureText}::text || ': ' || (select count(*) from ${withExtra ? sql`also` : sql`settled`}))::int as id from settled`;
    });
  return { completions: statement("completions"), outcomes: statement("outcomes") };
}

/**
 * Builds the update that settles the rows of a JSON text.
 *
 * @internal public declarations must not name Drizzle's types
 */
export function buildSettle(db: Queryable, kind: "completions" | "outcomes", condition?: SQL) {
  return (
    builder(db)
      .update(soniqJobs)
      .set(kind === "completions" ? completionChanges() : outcomeChanges())
      // The limit tells the planner the number of rows: for one, it would otherwise scan a small table from end to end.
      .from(
        sql`(select ${selections[kind]} from jsonb_to_recordset(${sql.placeholder("rows")}::text::jsonb) as row (${recordColumns[kind]}) limit ${sql.placeholder("count")}) as s`,
      )
      .where(
        and(
          sql`${soniqJobs.id} = s.id and ${soniqJobs.claimToken} = s.token and ${soniqJobs.workerId} = ${sql.placeholder("workerId")}`,
          condition,
        ),
      )
  );
}

async function send(
  { completions, outcomes }: ReturnType<typeof buildStatements>,
  db: Queryable,
  workerId: string,
  settlements: readonly Settlement[],
): Promise<Settled[]> {
  const isPlain = settlements.every(isPlainCompletion);
  const rows = `[${settlements.map(isPlain ? toCompletionJson : toOutcomeJson).join()}]`;
  const statement = isPlain ? completions : outcomes;
  const ids = `{${settlements.map(({ id }) => id).join()}}`;
  const settled = await fetchRows<{ id: string | number; claim_token: number; state: Settled["state"] }>(
    db,
    statement(db, { workerId, rows, count: settlements.length, ids }),
  );
  return settled.map(({ id, claim_token: claimToken, state }) => ({ id: Number(id), claimToken, state }));
}

const recordColumns = {
  completions: sql`id bigint, token int, result jsonb`,
  outcomes: sql`id bigint, token int, state text, "delayMs" float8, parked boolean, refund int, ran boolean, "maxCrashes" int, "graceMs" float8, queue text, result jsonb, error jsonb, reason text, logs jsonb`,
};

/** Whether a live session of another version of the application's code works a queue. */
const otherCode = sql`exists (select 1 from ${soniqWorkers} as own, ${soniqWorkers} as other
  where own.id = ${sql.placeholder("workerId")} and other.ended_at is null and other.lease_expires_at > now()
    and other.code is distinct from own.code and other.queues ? row.queue)`;

/** Evaluated once per row, and only for rows that name a queue. */
const selections = {
  completions: sql`*`,
  outcomes: sql`*, case when row.queue is not null then not ${otherCode} else false end as alone`,
};

const eventColumns = {
  lastWorkerId: soniqJobs.lastWorkerId,
  name: soniqJobs.name,
  queue: soniqJobs.queue,
  attempt: soniqJobs.attempt,
  maxAttempts: soniqJobs.maxAttempts,
  reason: soniqJobs.reason,
};

const errorColumns = {
  completions: sql`null::jsonb`.as("error"),
  // A released job has not failed.
  outcomes: sql`case when s.refund = 0 or ${soniqJobs.state} = 'dead' then s.error end`.as("error"),
};

function completionChanges() {
  return {
    ...endClaim(sql`'completed'`, sql`null`),
    unknownSince: null,
    result: sql`s.result`,
    reason: null,
  };
}

function outcomeChanges() {
  const isCancelled = sql`s.state <> 'completed' and ${soniqJobs.cancelRequestedAt} is not null`;
  const isGraceOver = sql`s."graceMs" is not null and (s.alone or coalesce(${soniqJobs.unknownSince}, now()) + ${interval(sql`s."graceMs"`)} <= now())`;
  const crashes = sql`${soniqJobs.crashes} + 1`;
  const hasCrashedOut = sql`s."maxCrashes" is not null and ${crashes} >= s."maxCrashes"`;
  const state = sql`case when ${isCancelled} then 'cancelled' when ${isGraceOver} or ${hasCrashedOut} then 'dead' else s.state end`;
  const lostReason = sql`'its transaction lost its connection (crash ' || (${crashes}) || ' of ' || s."maxCrashes" || '): ' || (s.error ->> 'message')`;
  const dueAt = sql`coalesce(now() + ${interval(sql`s."delayMs"`)}, ${soniqJobs.runAt})`;
  return {
    ...endClaim(state, caseWhen(sql`s.parked`, sql`'infinity'`, dueAt)),
    // An invalid payload costs the attempt.
    attempt: sql`${soniqJobs.attempt} - ${caseWhen(sql`${isGraceOver} and s.error is not null`, sql`0`, sql`s.refund`)}`,
    crashes: sql`case when s."maxCrashes" is not null then ${crashes} when s.ran then 0 else ${soniqJobs.crashes} end`,
    unknownSince: sql`case when s."graceMs" is not null then coalesce(${soniqJobs.unknownSince}, now()) when s.state = 'queued' and s.ran is not true then ${soniqJobs.unknownSince} end`,
    result: sql`s.result`,
    reason: sql`case ${state} when 'cancelled' then coalesce(${soniqJobs.reason}, case when s.state <> 'queued' then s.reason end, 'cancelled') when 'dead' then ${caseWhen(hasCrashedOut, lostReason, sql`s.reason`)} end`,
    // A released job has not failed.
    errors: caseWhen(
      sql`s.error is not null and (s.refund = 0 or ${isGraceOver} or ${hasCrashedOut})`,
      appendError(sql`s.error`),
      soniqJobs.errors,
    ),
    logs: caseWhen(sql`s.logs is null`, soniqJobs.logs, appendToLogs(sql`s.logs`)),
  };
}

function caseWhen(condition: SQL, then: SQL | Column, otherwise: SQL | Column): SQL {
  return sql`case when ${condition} then ${then} else ${otherwise} end`;
}
