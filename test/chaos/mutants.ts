// Deliberate faults in the product, put into the built code as a worker loads it: each must turn a run red.
import { dropping, type Profile, provoking, refusing, unplugging } from "./profiles.ts";
import type { Check } from "./verdict.ts";

/** A text of a file below `dist/src` that stands there exactly once, and what stands there instead. */
interface Rewrite {
  readonly file: string;
  readonly search: string;
  readonly replacement: string;
}

export interface Mutant {
  readonly name: string;
  readonly rewrites: readonly Rewrite[];
  /** The faults that bring it out. */
  readonly profile: Profile;
  /** The checks that find it: one at least must be broken. */
  readonly foundBy: readonly Check[];
}

export const mutants: readonly Mutant[] = [
  {
    name: "fence-off",
    profile: provoking,
    rewrites: [
      {
        file: "jobs/settle/settle.js",
        search:
          '${soniqJobs.id} = s.id and ${soniqJobs.claimToken} = s.token and ${soniqJobs.workerId} = ${sql.placeholder("workerId")}',
        replacement: "${soniqJobs.id} = s.id",
      },
    ],
    foundBy: ["settled twice", "illegal transition"],
  },
  {
    name: "guard-off",
    profile: dropping,
    rewrites: [{ file: "database/postgres-js.js", search: 'if (key !== "begin")', replacement: "if (key)" }],
    // The driver ends the process, takes the loss of a connection for a failure, or writes outside of the transaction.
    foundBy: [
      "effect of another transaction",
      "effect twice",
      "effect missing",
      "unexpected exit",
      "attempt miscounted",
    ],
  },
  {
    name: "unguarded-application",
    profile: unplugging,
    rewrites: [
      { file: "core/guarded-transaction.js", search: 'if ("rollback" in primary)', replacement: "if (primary)" },
    ],
    // The driver ends the process, or its pool has no connection left.
    foundBy: ["application exit", "application stuck"],
  },
  {
    name: "outcome-given-up",
    profile: refusing,
    rewrites: [
      {
        file: "worker/settle/settle-retries.js",
        search: "#retryLater(pending, error) {",
        replacement:
          '#retryLater(pending, error) { Object.assign(pending, { outcome: { kind: "dead", reason: "given up" } });',
      },
    ],
    foundBy: ["died"],
  },
  {
    name: "worker-id-kept",
    profile: provoking,
    rewrites: [{ file: "jobs/claim/end-claim.js", search: "workerId: null,", replacement: "" }],
    foundBy: ["worker id without claim"],
  },
  {
    name: "sessions-revived",
    profile: provoking,
    rewrites: [
      {
        file: "sessions/session.js",
        search: `else \${soniqWorkers.idleQueues} end\`,
    })
        .where(and(eq(soniqWorkers.id, id), isNull(soniqWorkers.endedAt)))`,
        replacement: "else ${soniqWorkers.idleQueues} end`, }).where(eq(soniqWorkers.id, id))",
      },
    ],
    foundBy: ["session revived"],
  },
  {
    name: "cancel-forgotten",
    profile: provoking,
    rewrites: [
      {
        file: "jobs/settle/settle.js",
        search: "s.state <> 'completed' and ${soniqJobs.cancelRequestedAt} is not null",
        replacement: "false",
      },
    ],
    foundBy: ["ran after its cancellation"],
  },
  {
    name: "ownership-asked-late",
    profile: provoking,
    rewrites: [
      {
        file: "worker/session/ownership-watch.js",
        search: "const heldBefore = new Set(queues.flatMap((queue) => queue.listHeldJobs()));",
        replacement: "const before = queues.flatMap((queue) => queue.listHeldJobs());",
      },
      { file: "worker/session/ownership-watch.js", search: "[...heldBefore].map(", replacement: "before.map(" },
      {
        file: "worker/session/ownership-watch.js",
        search: "const byId = new Map(rows.map((row) => [row.id, row]));",
        replacement:
          "const byId = new Map(rows.map((row) => [row.id, row])); const heldBefore = new Set(queues.flatMap((queue) => queue.listHeldJobs()));",
      },
    ],
    foundBy: ["lost"],
  },
  {
    name: "application-clock",
    profile: provoking,
    rewrites: [
      {
        file: "jobs/claim/claimable.js",
        search: "lte(soniqJobs.runAt, sql `now()`)",
        replacement: "lte(soniqJobs.runAt, sql`${new Date().toISOString()}::timestamptz`)",
      },
    ],
    foundBy: ["started early"],
  },
];
