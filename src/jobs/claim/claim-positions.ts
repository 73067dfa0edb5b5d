/** The position of a job within its priority. `runAt` is a string, because a Date would lose the microseconds of `run_at`. */
export interface ClaimPosition {
  readonly priority: number;
  readonly runAt: string;
  readonly id: number;
}

/**
 * How many claimed jobs the start position stays behind the newest claim, so that claims find the jobs of transactions that
 * commit slightly out of order. Walking over these jobs costs a claim about 0.2 ms while a snapshot pins their index entries, and
 * next to nothing otherwise.
 */
const trailJobs = 1_000;

/**
 * Remembers, for one queue, the position up to which each priority was claimed. A claim that starts there skips the dead index
 * entries of earlier claims, which vacuum cannot remove while a snapshot is open.
 */
export class ClaimPositions {
  readonly #trails = new Map<number, Trail>();
  /**
   * The start positions behind the claim positions, one per priority. Set while a full scan has found more jobs than it could
   * claim.
   */
  #behind: readonly ClaimPosition[] | undefined;

  /** Returns the start positions of the next claim, one per priority. */
  starts(): ClaimPosition[] {
    const ahead = this.#ahead();
    return (
      this.#behind?.map((position, i) =>
        isAfter(position, ahead[i] as ClaimPosition) ? (ahead[i] as ClaimPosition) : position,
      ) ?? ahead
    );
  }

  /**
   * Continues a full scan: call it after the scan and after each claim that continues it. If the claim was full, more late jobs
   * may follow, so the next claim starts where it ended. Late jobs are then claimed as fast as others, and no entry is walked
   * twice.
   *
   * @param from the start positions of the claim
   * @param isFull whether the claim returned as many jobs as requested
   */
  resumeFrom(from: readonly ClaimPosition[], claimed: readonly ClaimPosition[], isFull: boolean): void {
    const lastPriority = claimed.at(-1)?.priority;
    if (!isFull || lastPriority === undefined) return void (this.#behind = undefined);
    const ends = new Map(claimed.map((position) => [position.priority, position]));
    const ahead = this.#ahead();
    // In the priorities before the last job's, all due jobs were claimed.
    this.#behind = from.map((position, i) =>
      position.priority < lastPriority ? (ahead[i] as ClaimPosition) : (ends.get(position.priority) ?? position),
    );
  }

  /** Whether claims start behind the claim positions. */
  get isBehind(): boolean {
    return this.#behind !== undefined;
  }

  #ahead(): ClaimPosition[] {
    return priorities.map((priority) => this.#trails.get(priority)?.steps[0]?.position ?? firstPosition(priority));
  }

  /** Advances the claim positions. @param claimed the jobs of one claim, in order */
  advance(claimed: readonly ClaimPosition[]): void {
    const last = new Map<number, Step>();
    for (const { priority, runAt, id } of claimed) {
      last.set(priority, { position: { priority, runAt, id }, jobs: (last.get(priority)?.jobs ?? 0) + 1 });
    }
    for (const [priority, step] of last) {
      const trail = this.#trails.get(priority) ?? {
        steps: [{ position: firstPosition(priority), jobs: 0 }],
        behind: 0,
      };
      this.#trails.set(priority, trail);
      if (!isAfter(step.position, (trail.steps.at(-1) as Step).position)) continue;
      trail.steps.push(step);
      trail.behind += step.jobs;
      for (let next = trail.steps[1]; next && trail.behind - next.jobs >= trailJobs; next = trail.steps[1]) {
        trail.steps.shift();
        trail.behind -= next.jobs;
      }
    }
  }
}

/** The end positions of the last claims of one priority, oldest first. */
interface Trail {
  readonly steps: Step[];
  /** How many jobs were claimed after the first of these positions. */
  behind: number;
}

/** The end position of a claim, and how many jobs the claim returned. */
interface Step {
  readonly position: ClaimPosition;
  readonly jobs: number;
}

const priorities = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

function firstPosition(priority: number): ClaimPosition {
  return { priority, runAt: "-infinity", id: 0 };
}

/** The start of every priority, for a full scan. */
export const queueStart: readonly ClaimPosition[] = priorities.map(firstPosition);

/** Both are UTC with fixed width, so comparing the strings compares the times. */
function isAfter(a: ClaimPosition, b: ClaimPosition): boolean {
  return a.runAt > b.runAt || (a.runAt === b.runAt && a.id > b.id);
}
