/** The place of a job in its priority: `run_at` as text, since a Date would lose its microseconds. */
export interface ClaimPosition {
  readonly priority: number;
  readonly runAt: string;
  readonly id: number;
}

/**
 * How many claimed jobs a mark stays behind the newest claim, so that the transactions which commit a little out of
 * order are found at once. Walking over them costs a claim about 0.2 ms while a snapshot pins them, else next to nothing.
 */
const trailJobs = 1_000;

/**
 * Remembers, for one queue, up to where each priority was claimed. A claim that starts there does not walk the index
 * entries that earlier claims left behind, which nothing can remove while a snapshot is held open.
 */
export class ClaimPositions {
  readonly #trails = new Map<number, Trail>();
  /** Where to go on behind the marks, one mark per priority, while a look found more jobs there than it could claim. */
  #behind: readonly ClaimPosition[] | undefined;

  /** Where to start, one mark per priority. */
  starts(): ClaimPosition[] {
    const ahead = this.#ahead();
    return (
      this.#behind?.map((position, i) =>
        isAfter(position, ahead[i] as ClaimPosition) ? (ahead[i] as ClaimPosition) : position,
      ) ?? ahead
    );
  }

  /**
   * A look, or a claim after it, ended with these jobs. If it brought all it asked for, more may lie behind the marks: the next
   * claims start where it ended, so that late jobs are worked as fast as others, and none is walked over twice.
   *
   * @param from where it started
   * @param isFull whether it brought all it asked for
   */
  goOn(from: readonly ClaimPosition[], claimed: readonly ClaimPosition[], isFull: boolean): void {
    const worst = claimed.at(-1)?.priority;
    if (!isFull || worst === undefined) return void (this.#behind = undefined);
    const ends = new Map(claimed.map((position) => [position.priority, position]));
    const ahead = this.#ahead();
    // Of a priority better than that of the last job, all that is due was claimed.
    this.#behind = from.map((position, i) =>
      position.priority < worst ? (ahead[i] as ClaimPosition) : (ends.get(position.priority) ?? position),
    );
  }

  /** Whether claims start behind the marks. */
  get isBehind(): boolean {
    return this.#behind !== undefined;
  }

  #ahead(): ClaimPosition[] {
    return priorities.map((priority) => this.#trails.get(priority)?.steps[0]?.position ?? beginning(priority));
  }

  /** @param claimed one claim's jobs, in order */
  advance(claimed: readonly ClaimPosition[]): void {
    const last = new Map<number, Step>();
    for (const { priority, runAt, id } of claimed) {
      last.set(priority, { position: { priority, runAt, id }, jobs: (last.get(priority)?.jobs ?? 0) + 1 });
    }
    for (const [priority, step] of last) {
      const trail = this.#trails.get(priority) ?? { steps: [{ position: beginning(priority), jobs: 0 }], behind: 0 };
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

/** Of one priority the newest mark of each claim, oldest first. */
interface Trail {
  readonly steps: Step[];
  /** How many jobs were claimed after the first of these marks. */
  behind: number;
}

/** A mark, and how many jobs the claim brought that ended there. */
interface Step {
  readonly position: ClaimPosition;
  readonly jobs: number;
}

const priorities = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

function beginning(priority: number): ClaimPosition {
  return { priority, runAt: "-infinity", id: 0 };
}

/** The beginning of every priority: for a look at what lies behind the marks. */
export const fromTheBeginning: readonly ClaimPosition[] = priorities.map(beginning);

/** Of one zone and width, the order of texts is the order of times. */
function isAfter(a: ClaimPosition, b: ClaimPosition): boolean {
  return a.runAt > b.runAt || (a.runAt === b.runAt && a.id > b.id);
}
