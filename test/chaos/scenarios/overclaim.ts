// A claim never brings more than was asked for, and nothing that somebody holds: whatever way the planner takes, and
// however wrong its statistics are.
import { sql as text } from "drizzle-orm";
import { claim } from "../../../src/jobs/claim/claim.ts";
import { ClaimPositions, queueStart } from "../../../src/jobs/claim/claim-positions.ts";
import { openSession } from "../../../src/sessions/session.ts";
import { randomFrom } from "../../support/random.ts";
import { type Findings, scratchDatabase, type Surroundings } from "./scenario.ts";

const jobs = 400;
const claimers = 4;
/** What was given back would be walked by every claim after it, until it is cleared away. */
const roundsPerVacuum = 25;
const largestClaim = 50;

/** What the planner may not do. */
const forbidden: readonly (readonly string[])[] = [
  [],
  ["seqscan"],
  ["indexscan", "indexonlyscan"],
  ["indexscan", "indexonlyscan", "bitmapscan"],
  ["nestloop"],
  ["nestloop", "hashjoin"],
  ["hashjoin", "mergejoin"],
  ["sort", "hashagg"],
  ["material", "memoize"],
];

export async function overclaim({
  url,
  seed,
  claims = 100_000,
}: Surroundings & { claims?: number }): Promise<Findings> {
  const { sql, open, drop } = await scratchDatabase(url);
  const random = randomFrom(seed);
  const violations = new Set<string>();
  const held = new Set<number>();
  let [claimed, empty] = [0, 0];

  /** Claims, checks and gives back. */
  async function claimer(off: readonly string[], rounds: number): Promise<void> {
    const settings = Object.fromEntries(off.map((step) => [`enable_${step}`, "off"]));
    const db = open({ max: 1, connection: settings });
    const workerId = await openSession(db, { host: "scenario", pid: 0, version: "0", queues: {}, leaseMs: 3_600_000 });
    const marks = new ClaimPositions();
    for (let round = 0; round < rounds; round += 1) {
      if (round % roundsPerVacuum === 0) await sql`vacuum soniq_jobs`;
      const limit = 1 + random.below(largestClaim);
      const from = random.below(2) === 0 ? queueStart : marks.starts();
      const found = await claim(db, {
        workerId,
        claimToken: round + 1,
        queue: "default",
        limit,
        from,
        deadlines: "{}",
        defaultDeadlineMs: 60_000,
      });
      marks.advance(found);
      const variant = off.length > 0 ? `without ${off.join(", ")}` : "as it likes";
      if (found.length > limit)
        violations.add(`${found.length} jobs were claimed where ${limit} were asked for, ${variant}`);
      for (const { id } of found) {
        if (held.has(id)) violations.add(`a job was claimed twice, ${variant}`);
        held.add(id);
      }
      claimed += found.length;
      if (found.length === 0) empty += 1;
      for (const { id } of found) held.delete(id);
      await db.execute(text`update soniq_jobs set state = 'queued', worker_id = null where worker_id = ${workerId}`);
    }
  }

  try {
    // Made while the table was empty, and kept.
    await sql`alter table soniq_jobs set (autovacuum_enabled = false)`;
    await sql`analyze soniq_jobs`;
    await sql`insert into soniq_jobs (name, payload, priority) select 'x', '{}', n % 10 from generate_series(1, ${jobs}) n`;
    const rounds = Math.ceil(claims / forbidden.length / claimers);
    for (const off of forbidden) {
      await Promise.all(Array.from({ length: claimers }, () => claimer(off, rounds)));
      const [counted] = await sql<
        { active: number }[]
      >`select count(*)::int as active from soniq_jobs where state = 'active'`;
      if (counted?.active !== 0) violations.add(`${counted?.active} jobs were claimed that nobody was told of`);
    }
    const figures = { claims: rounds * forbidden.length * claimers, plans: forbidden.length, claimed, empty };
    return { figures, violations: [...violations] };
  } finally {
    await drop();
  }
}
