// What must hold of the rows, whatever the model says.
import type { Row, Rows } from "./model-database.ts";

/** @returns what is broken, one sentence each: none, if all is well */
export function brokenInvariants(before: Rows, after: Rows): string[] {
  const earlier = new Map(before.jobs.map((job) => [job.id, job]));
  const ended = new Set(before.sessions.filter(({ endedAt }) => endedAt !== null).map(({ id }) => id));
  const keys = after.jobs.filter(({ uniqueKey, uniqueHeld }) => uniqueKey !== null && uniqueHeld);
  return [
    ...after.jobs.flatMap((job) => brokenBy(job).map((law) => `job ${job.id}: ${law}`)),
    ...after.jobs.flatMap((job) => {
      const was = earlier.get(job.id);
      return was ? brokenSince(was, job, ended).map((law) => `job ${job.id}: ${law}`) : [];
    }),
    ...after.sessions.flatMap(({ id, endedAt }) =>
      ended.has(id) && endedAt === null ? [`session ${id}: lives again`] : [],
    ),
    ...(new Set(keys.map(({ uniqueKey }) => uniqueKey)).size < keys.length ? ["two jobs hold the same key"] : []),
  ];
}

function brokenBy(job: Row): string[] {
  const active = job.state === "active";
  const finished = !active && job.state !== "queued";
  return failing({
    "has a worker, but is not active, or the other way round": (job.workerId !== null) === active,
    "has a deadline, but is not active, or the other way round": (job.deadlineAt !== null) === active,
    "has a time at which it finished, but did not, or the other way round": (job.finishedAt !== null) === finished,
    "had more attempts than it may have": job.attempt <= job.maxAttempts,
    "had fewer attempts than none, or more than claims": job.attempt >= 0 && job.attempt <= job.claims,
    "crashed more often than it was claimed": job.crashes <= job.claims,
    "is queued, although its cancellation was asked for": job.state !== "queued" || job.cancelRequestedAt === null,
    "is dead or cancelled without a reason": (job.state !== "dead" && job.state !== "cancelled") || job.reason !== null,
  });
}

function brokenSince(was: Row, job: Row, ended: ReadonlySet<string>): string[] {
  const claimed = job.claims > was.claims;
  const retried = was.state === "dead" && job.manualRetries === was.manualRetries + 1;
  return failing({
    "was claimed less often than before": job.claims >= was.claims,
    "crashed less often than before, and not never": job.crashes === 0 || job.crashes >= was.crashes,
    "was claimed twice in one step": job.claims <= was.claims + 1,
    "was claimed by a session that had ended": !claimed || !ended.has(job.lastWorkerId ?? ""),
    "was claimed although it was not queued": !claimed || was.state === "queued",
    "changed although it had finished, and not only by losing its key":
      was.finishedAt === null ||
      retried ||
      JSON.stringify({ ...was, uniqueHeld: was.uniqueHeld && job.uniqueHeld }) === JSON.stringify(job),
  });
}

function failing(laws: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(laws).flatMap(([law, holds]) => (holds ? [] : [law]));
}
