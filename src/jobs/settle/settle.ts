import { and, type Column, type SQL, sql } from "drizzle-orm";
import { interval } from "../../core/fragments.js";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { soniqJobs } from "../../../schema/jobs.js";
import { soniqWorkers } from "../../../schema/workers.js";
import { builder } from "../../core/builder.js";
import { prepareStatement } from "../../core/prepare-statement.js";
import { describeError } from "../../core/errors.js";
import type { Queryable } from "../../core/queryable.js";
import { fetchRows } from "../../core/rows.js";
import { logsWith } from "./append-logs.js";
import { endClaim, errorsWith } from "../claim/end-claim.js";
import type { Outcome } from "./outcome.js";

/** One claim and how it ended. */
export interface Settlement {
  readonly id: number;
  /** The fence of the claim. */
  readonly claimToken: number;
  readonly outcome: Outcome;
  /** What the handler logged since the last append, as one JSON text. */
  readonly logs?: string | undefined;
}

/** A job as a settlement left it. */
export interface Settled {
  readonly id: number;
  /** Which claim it was: one batch may hold several of a job, of which one stands at most. */
  readonly claimToken: number;
  readonly state: "queued" | "completed" | "cancelled" | "dead";
}

type Settling = (db: Queryable, workerId: string, settlements: readonly Settlement[]) => Promise<Settled[]>;

/** The ways to settle. */
export interface Settles {
  /**
   * active → whatever the outcomes say, for the claims that this session still holds.
   *
   * Found by primary key and fence, not by `state = 'active'`, with which a planner of stale statistics walks the owner index.
   *
   * @returns the jobs that were settled; one that is not among them was *fenced*: the claim had ended before
   */
  readonly settle: Settling;
  /**
   * The same, but passes over the rows that others have locked: for a batch in which one lock would hold up the rest.
   *
   * @returns the jobs that were settled; the others were fenced, or are locked
   */
  readonly settleUnlocked: Settling;
  /**
   * Whether PostgreSQL would settle it at this moment: the statement is carried out, and then fails on purpose, so that nothing of
   * it remains. Only triggers that fire after the statement are not asked.
   *
   * @throws what PostgreSQL refuses it with
   */
  readonly wouldSettle: (db: Queryable, workerId: string, settlement: Settlement) => Promise<boolean>;
  /** Whether the statements do more than that: completed jobs must be settled then, where they would else be deleted. */
  readonly emit: boolean;
}

/** PostgreSQL writes it to its log: it says that nothing is wrong. */
const rehearsed = "soniq-drizzle rehearsed a settle";

/**
 * @internal public declarations name no type of Drizzle's
 * @param also what else the same statement does: it reads the jobs that were settled from `settled`, with their columns `id`,
 *   `claim_token`, `last_worker_id`, `state`, `name`, `queue`, `attempt`, `max_attempts` and `reason`, and the `error` that was added, if any
 */
export function settles(also?: SQL): Settles {
  const [plain, unlocked, rehearsal] = [
    statements(also),
    statements(also, isUnlocked),
    statements(also, isUnlocked, rehearsed),
  ];
  return {
    settle: (db, workerId, settlements) => send(plain, db, workerId, settlements),
    settleUnlocked: (db, workerId, settlements) => send(unlocked, db, workerId, settlements),
    wouldSettle: async (db, workerId, settlement) => {
      try {
        await send(rehearsal, db, workerId, [settlement]);
      } catch (error) {
        if (describeError(error).includes(rehearsed)) return true;
        throw error;
      }
      return false;
    },
    emit: also !== undefined,
  };
}

export const plainSettles = settles();
export const { settle, settleUnlocked } = plainSettles;

function isUnlocked(): SQL {
  const free = new QueryBuilder()
    .select({ id: soniqJobs.id })
    .from(soniqJobs)
    .where(sql`${soniqJobs.id} = any (${sql.placeholder("ids")}::text::bigint[])`)
    .orderBy(soniqJobs.id)
    .for("no key update", { skipLocked: true });
  return sql`${soniqJobs.id} = any (array(${free}))`;
}

/** Two, since most batches have only completed jobs that logged nothing, and PostgreSQL reads and plans these in a fraction of the time. */
function statements(also?: SQL, only?: () => SQL, failsWith?: string) {
  const statement = (of: "completions" | "outcomes") =>
    prepareStatement<{ workerId: string; rows: string; count: number; ids: string }>((db) => {
      const settling = builder(db)
        .update(soniqJobs)
        .set(of === "completions" ? completion() : changes())
        // The limit tells the planner how many they are: for one, it would else read a small table from end to end.
        .from(
          sql`(select ${selected[of]} from jsonb_to_recordset(${sql.placeholder("rows")}::text::jsonb) as row (${columns[of]}) limit ${sql.placeholder("count")}) as s`,
        )
        .where(
          and(
            sql`${soniqJobs.id} = s.id and ${soniqJobs.claimToken} = s.token and ${soniqJobs.workerId} = ${sql.placeholder("workerId")}`,
            only?.(),
          ),
        )
        .returning({
          id: soniqJobs.id,
          claimToken: soniqJobs.claimToken,
          state: soniqJobs.state,
          ...(also && { ...told, error: errors[of] }),
        });
      const all = also && sql`with settled as (${settling.getSQL()}), also as (${also})`;
      if (failsWith === undefined) return all ? sql`${all} select id, claim_token, state from settled` : settling;
      // The number of these rows is asked for so that they are written before it fails.
      return sql`${all ?? sql`with settled as (${settling.getSQL()})`}
        select (${failsWith}::text || ': ' || (select count(*) from ${all ? sql`also` : sql`settled`}))::int as id from settled`;
    });
  return { completions: statement("completions"), outcomes: statement("outcomes") };
}

async function send(
  { completions, outcomes }: ReturnType<typeof statements>,
  db: Queryable,
  workerId: string,
  settlements: readonly Settlement[],
): Promise<Settled[]> {
  const completed = settlements.every(isPlainCompletion);
  const rows = `[${settlements.map(completed ? completionJson : outcomeJson).join()}]`;
  const statement = completed ? completions : outcomes;
  const ids = `{${settlements.map(({ id }) => id).join()}}`;
  const settled = await fetchRows<{ id: string | number; claim_token: number; state: Settled["state"] }>(
    db,
    statement(db, { workerId, rows, count: settlements.length, ids }),
  );
  return settled.map(({ id, claim_token: claimToken, state }) => ({ id: Number(id), claimToken, state }));
}

const columns = {
  completions: sql`id bigint, token int, result jsonb`,
  outcomes: sql`id bigint, token int, state text, "delayMs" float8, parked boolean, refund int, ran boolean, "maxCrashes" int, "graceMs" float8, queue text, result jsonb, error jsonb, reason text, logs jsonb`,
};

/** Whether a live session of another version of the application's code works a queue. */
const otherCode = sql`exists (select 1 from ${soniqWorkers} as own, ${soniqWorkers} as other
  where own.id = ${sql.placeholder("workerId")} and other.ended_at is null and other.lease_expires_at > now()
    and other.code is distinct from own.code and other.queues ? row.queue)`;

/** Asked once for each row, and only for those that name a queue. */
const selected = {
  completions: sql`*`,
  outcomes: sql`*, case when row.queue is not null then not ${otherCode} else false end as alone`,
};

const told = {
  lastWorkerId: soniqJobs.lastWorkerId,
  name: soniqJobs.name,
  queue: soniqJobs.queue,
  attempt: soniqJobs.attempt,
  maxAttempts: soniqJobs.maxAttempts,
  reason: soniqJobs.reason,
};

const errors = {
  completions: sql`null::jsonb`.as("error"),
  // One that was given back has not failed.
  outcomes: sql`case when s.refund = 0 or ${soniqJobs.state} = 'dead' then s.error end`.as("error"),
};

function completion() {
  return {
    ...endClaim(sql`'completed'`, sql`null`),
    unknownSince: null,
    result: sql`s.result`,
    reason: null,
  };
}

function changes() {
  const cancelled = sql`s.state <> 'completed' and ${soniqJobs.cancelRequestedAt} is not null`;
  const givenUp = sql`s."graceMs" is not null and (s.alone or coalesce(${soniqJobs.unknownSince}, now()) + ${interval(sql`s."graceMs"`)} <= now())`;
  const crashes = sql`${soniqJobs.crashes} + 1`;
  const crashedOut = sql`s."maxCrashes" is not null and ${crashes} >= s."maxCrashes"`;
  const state = sql`case when ${cancelled} then 'cancelled' when ${givenUp} or ${crashedOut} then 'dead' else s.state end`;
  const lost = sql`'its transaction lost its connection (crash ' || (${crashes}) || ' of ' || s."maxCrashes" || '): ' || (s.error ->> 'message')`;
  return {
    ...endClaim(
      state,
      when(sql`s.parked`, sql`'infinity'`, sql`coalesce(now() + ${interval(sql`s."delayMs"`)}, ${soniqJobs.runAt})`),
    ),
    // A payload that is no longer valid costs the attempt.
    attempt: sql`${soniqJobs.attempt} - ${when(sql`${givenUp} and s.error is not null`, sql`0`, sql`s.refund`)}`,
    crashes: sql`case when s."maxCrashes" is not null then ${crashes} when s.ran then 0 else ${soniqJobs.crashes} end`,
    unknownSince: sql`case when s."graceMs" is not null then coalesce(${soniqJobs.unknownSince}, now()) when s.state = 'queued' and s.ran is not true then ${soniqJobs.unknownSince} end`,
    result: sql`s.result`,
    reason: sql`case ${state} when 'cancelled' then coalesce(${soniqJobs.reason}, case when s.state <> 'queued' then s.reason end, 'cancelled') when 'dead' then ${when(crashedOut, lost, sql`s.reason`)} end`,
    // What is given back has not failed.
    errors: when(
      sql`s.error is not null and (s.refund = 0 or ${givenUp} or ${crashedOut})`,
      errorsWith(sql`s.error`),
      soniqJobs.errors,
    ),
    logs: when(sql`s.logs is null`, soniqJobs.logs, logsWith(sql`s.logs`)),
  };
}

function when(condition: SQL, then: SQL | Column, otherwise: SQL | Column): SQL {
  return sql`case when ${condition} then ${then} else ${otherwise} end`;
}

function isPlainCompletion({ outcome, logs }: Settlement): boolean {
  return outcome.kind === "completed" && logs === undefined;
}

/** A result is a JSON text already. */
function completionJson({ id, claimToken, outcome }: Settlement): string {
  const { result = null } = columnsOf(outcome);
  return result === null
    ? `{"id":${id},"token":${claimToken}}`
    : `{"id":${id},"token":${claimToken},"result":${result}}`;
}

function outcomeJson({ id, claimToken, outcome, logs = "null" }: Settlement): string {
  const { result, ...others } = columnsOf(outcome);
  return `${JSON.stringify({ id, token: claimToken, ...others }).slice(0, -1)},"result":${result ?? "null"},"logs":${logs}}`;
}

interface OutcomeColumns {
  readonly state: Settled["state"];
  /** Null for a job that is queued again in its old place. */
  readonly delayMs?: number | null;
  readonly parked?: true;
  /** What the attempt is lowered by. */
  readonly refund: 0 | 1;
  /** It is queued again by an attempt that ended in order: what crashed before is forgotten. */
  readonly ran?: true;
  /** It counts as a crash: dead at so many. */
  readonly maxCrashes?: number;
  readonly graceMs?: number;
  /** Dead at once, unless other code works this queue. */
  readonly queue?: string;
  readonly result?: string | null;
  readonly error?: unknown;
  readonly reason?: string;
}

function columnsOf(outcome: Outcome): OutcomeColumns {
  switch (outcome.kind) {
    case "completed":
      return { state: "completed", refund: 0, result: outcome.result };
    case "retried":
      return { state: "queued", refund: 0, ran: true, delayMs: outcome.delayMs, error: outcome.error };
    case "snoozed":
      return { state: "queued", refund: 1, ran: true, delayMs: outcome.delayMs };
    case "parked":
      return { state: "queued", refund: 1, ran: true, parked: true };
    case "released":
    case "unknown": {
      const { kind: _kind, thrown: _thrown, ...rest } = outcome;
      return { state: "queued", refund: 1, ...rest };
    }
    case "cancelled":
      return { state: "cancelled", refund: 0, ...(outcome.reason !== undefined && { reason: outcome.reason }) };
    case "dead":
      return { state: "dead", refund: 0, reason: outcome.reason, ...(outcome.error && { error: outcome.error }) };
    default:
      return outcome satisfies never;
  }
}

/** About how many bytes a settlement adds to its statement. */
export function bytesOf({ outcome, logs }: Settlement): number {
  const logged = logs === undefined ? 0 : Buffer.byteLength(logs);
  if (outcome.kind !== "completed") return bytesPerRow + Buffer.byteLength(JSON.stringify(columnsOf(outcome))) + logged;
  return bytesPerRow + (outcome.result === null ? 0 : Buffer.byteLength(outcome.result)) + logged;
}

const bytesPerRow = 200;
