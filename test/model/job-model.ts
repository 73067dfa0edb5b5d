// A job's life, in code: what every sequence of enqueues, claims, settles, cancellations and rescues must lead to.
// Times are milliseconds. Nothing here knows SQL; what each step finds in the database is compared with this.

export interface Job {
  readonly id: number;
  readonly name: string;
  readonly uniqueKey: string | null;
  readonly uniqueExpiresAt: number | null;
  readonly createdAt: number;
  queue: string;
  priority: number;
  maxAttempts: number;
  uniqueUntil: "started" | "finished";
  state: "queued" | "active" | "completed" | "cancelled" | "dead";
  runAt: number;
  /** It became visible later than its `runAt` says: claims from marks may pass over it, looks may not. */
  late: boolean;
  claims: number;
  claimToken: number;
  /** Claims that cost no attempt. */
  refunds: number;
  crashes: number;
  errors: number;
  workerId: string | null;
  lastWorkerId: string | null;
  claimedAt: number | null;
  deadlineAt: number | null;
  cancelRequestedAt: number | null;
  unknownSince: number | null;
  uniqueHeld: boolean;
  finishedAt: number | null;
  result: number | null;
  reason: string | null;
  manualRetries: number;
}

/** What names a claim: the fence. */
export type Claim = Pick<Job, "id" | "claimToken"> & { readonly workerId: string };

/** How an attempt ends. */
export type Ending =
  | { readonly kind: "returned"; readonly result: number | null }
  | { readonly kind: "threw"; readonly delayMs: number }
  | { readonly kind: "snoozed" | "released" | "interrupted"; readonly delayMs: number }
  | { readonly kind: "lost"; readonly delayMs: number; readonly maxCrashes: number }
  | { readonly kind: "unknown"; readonly graceMs: number }
  | { readonly kind: "refused"; readonly graceMs: number }
  | { readonly kind: "cancelled" }
  | { readonly kind: "discarded" };

export class JobModel {
  now = 0;
  readonly jobs = new Map<number, Job>();
  readonly sessions = new Map<string, { leaseExpiresAt: number; endedAt: number | null }>();
  readonly paused = new Set<string>();
  /** All that were ever made, whether or not they still stand. */
  readonly claims: Claim[] = [];

  all = () => [...this.jobs.values()].toSorted((a, b) => a.id - b.id);
  attempt = (job: Job) => job.claims - job.refunds;
  keyHolder = (key: string) => this.all().find((job) => job.uniqueHeld && job.uniqueKey === key);
  /** Its window is over, and it has ended, or has started where that frees the key. */
  isOver = (job: Job) =>
    job.uniqueExpiresAt !== null &&
    job.uniqueExpiresAt <= this.now &&
    (job.finishedAt !== null || (job.uniqueUntil === "started" && job.claimedAt !== null));
  isLive = (session: string) => this.hasNotEnded(session) && this.sessions.get(session)!.leaseExpiresAt > this.now;
  hasNotEnded = (session: string | null) => this.sessions.get(session ?? "")?.endedAt === null;
  keepsWindow = (job: Job) => job.uniqueExpiresAt !== null && job.uniqueExpiresAt > this.now;
  /** Past the job's end, or its start where that would free it. */
  keepsKey = (job: Job) => job.uniqueHeld && this.keepsWindow(job);

  /** What this session may claim, in order. */
  claimable(session: string, queue: string): Job[] {
    if (!this.isLive(session) || this.paused.has(queue)) return [];
    return this.all()
      .filter((job) => job.state === "queued" && job.queue === queue && job.runAt <= this.now)
      .toSorted((a, b) => a.priority - b.priority || a.runAt - b.runAt || a.id - b.id);
  }

  claim(job: Job, workerId: string, deadlineMs: number, claimToken: number): void {
    const uniqueHeld = job.uniqueUntil === "started" ? this.keepsKey(job) : job.uniqueHeld;
    const claimed = { workerId, lastWorkerId: workerId, claimedAt: this.now, deadlineAt: this.now + deadlineMs };
    Object.assign(job, { ...claimed, state: "active", claims: job.claims + 1, claimToken, uniqueHeld, late: false });
    this.claims.push({ id: job.id, claimToken, workerId });
  }

  /** The job of a claim that still stands: the only one that its session may settle. */
  held({ id, claimToken }: Pick<Claim, "id" | "claimToken">, workerId: string): Job | undefined {
    const job = this.jobs.get(id);
    return job?.claimToken === claimToken && job.workerId === workerId ? job : undefined;
  }

  settle(job: Job, ending: Ending): void {
    const { kind } = ending;
    const unknownSince = job.unknownSince ?? this.now;
    if (kind === "unknown" || kind === "refused") job.unknownSince = unknownSince;
    else if (kind !== "released" && kind !== "lost") job.unknownSince = null;
    if (kind === "threw" || kind === "discarded") job.errors += 1;
    if (!["returned", "threw", "cancelled", "discarded", "refused"].includes(kind)) job.refunds += 1;
    if (kind === "threw" || kind === "snoozed" || kind === "interrupted") {
      if (kind !== "threw" || this.attempt(job) < job.maxAttempts) job.crashes = 0;
    }
    if (kind === "returned") {
      job.result = ending.result;
      this.#end(job, "completed", null);
    } else if (kind === "unknown") {
      if (unknownSince + ending.graceMs <= this.now) this.#end(job, "dead", "unknown job name");
      else this.#end(job, "queued", null, Math.min(30_000, 1_000 * 2 ** (job.claims - 1)));
    } else if (kind === "refused") {
      // The sessions of the model have no code: none is another one's.
      job.errors += 1;
      this.#end(job, "dead", "invalid payload");
    } else if (kind === "lost") {
      job.crashes += 1;
      const { crashes } = job;
      if (crashes >= ending.maxCrashes) job.errors += 1;
      const reason = `its transaction lost its connection (crash ${crashes} of ${ending.maxCrashes})`;
      if (crashes >= ending.maxCrashes) this.#end(job, "dead", reason);
      else this.#end(job, "queued", null, ending.delayMs);
    } else if (kind === "cancelled") this.#end(job, "cancelled", "stopped");
    else if (kind === "discarded") this.#end(job, "dead", "discarded");
    else if (kind === "threw" && this.attempt(job) >= job.maxAttempts) this.#end(job, "dead", "out of attempts");
    else this.#end(job, "queued", null, ending.delayMs);
  }

  /** Its session died. */
  rescue(job: Job, maxCrashes: number): void {
    job.refunds += 1;
    job.crashes += 1;
    if (job.crashes >= maxCrashes) this.#end(job, "dead", `crashed ${job.crashes} workers`);
    else this.#end(job, "queued", null, 500 * Math.min(60, 2 ** (job.crashes - 1) - 1));
  }

  /** Its session lives, but did not end it in time. */
  timeOut(job: Job): void {
    job.errors += 1;
    if (this.attempt(job) >= job.maxAttempts) this.#end(job, "dead", "out of attempts");
    else this.#end(job, "queued", null);
  }

  cancel(job: Job, reason: string): "cancelled" | "requested" | "not found" {
    if (job.finishedAt !== null) return "not found";
    Object.assign(job, { reason, cancelRequestedAt: job.cancelRequestedAt ?? this.now });
    if (job.state === "active") return "requested";
    this.#end(job, "cancelled", reason);
    return "cancelled";
  }

  runNow(job: Job): "due" | "active" | "not found" {
    if (job.finishedAt !== null) return "not found";
    if (job.state === "active") return "active";
    if (job.runAt > this.now) Object.assign(job, { runAt: this.now, late: false });
    return "due";
  }

  discard(job: Job): "discarded" | "active" | "not found" {
    if (job.finishedAt !== null) return "not found";
    if (job.state === "active") return "active";
    this.#end(job, "dead", "discarded");
    return "discarded";
  }

  /** @returns which of these are queued again: of each key one, if nobody else holds it */
  retry(ids: readonly number[]): number[] {
    const dead = this.all().filter((job) => ids.includes(job.id) && job.state === "dead");
    const others = this.all().filter((job) => !dead.includes(job) && job.uniqueHeld && job.uniqueKey !== null);
    const taken = new Set<string>();
    for (const holder of others.filter(({ uniqueKey }) => dead.some((job) => job.uniqueKey === uniqueKey))) {
      if (this.isOver(holder)) holder.uniqueHeld = false;
      else taken.add(holder.uniqueKey as string);
    }
    const holdersFirst = dead.toSorted((a, b) => Number(b.uniqueHeld) - Number(a.uniqueHeld) || a.id - b.id);
    const retried = holdersFirst.filter(({ uniqueKey }) => {
      const isFree = uniqueKey === null || !taken.has(uniqueKey);
      if (uniqueKey !== null) taken.add(uniqueKey);
      return isFree;
    });
    for (const job of retried) {
      const cleared = { cancelRequestedAt: null, unknownSince: null, finishedAt: null, reason: null };
      const anew = { state: "queued", runAt: this.now, refunds: job.claims, crashes: 0, uniqueHeld: true } as const;
      Object.assign(job, { ...cleared, ...anew, claimedAt: null, manualRetries: job.manualRetries + 1 });
    }
    return retried.map(({ id }) => id);
  }

  /** What every end has in common: a job whose cancellation was asked for completes, or is cancelled. */
  #end(job: Job, wanted: Exclude<Job["state"], "active">, reason: string | null, delayMs = 0): void {
    const state = job.cancelRequestedAt !== null && wanted !== "completed" ? "cancelled" : wanted;
    Object.assign(job, { state, workerId: null, deadlineAt: null });
    job.reason = state === "cancelled" ? (job.reason ?? reason) : reason;
    if (state === "queued") job.runAt = this.now + delayMs;
    else Object.assign(job, { finishedAt: this.now, uniqueHeld: this.keepsKey(job) });
  }
}
