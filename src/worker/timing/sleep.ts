import { ringIntervalMs } from "../../sessions/doorbell.js";

/**
 * After a wake-up, when to look again, for the jobs that rang no bell because one had just rung: as soon as a bell may
 * ring anew, and later for those whose transactions take longer to commit.
 */
const echoesMs = [1.5 * ringIntervalMs, 5 * ringIntervalMs, 25 * ringIntervalMs];

/** How a loop waits between two rounds, and what wakes it up. */
export class Sleep {
  #wakeUps = 0;
  #wake: (() => void) | undefined;
  #echoes: NodeJS.Timeout[] = [];

  /** Grows with each wake-up, so that one which comes during a round is not slept over. */
  get wakeUps(): number {
    return this.#wakeUps;
  }

  get sleeping(): boolean {
    return this.#wake !== undefined;
  }

  /** Sleeps so long, or up to a fifth less at random, unless it is woken up. */
  for(ms: number): Promise<void> {
    return new Promise((wake) => {
      const timer = setTimeout(() => this.#wake?.(), ms * (0.8 + Math.random() / 5));
      this.#wake = () => {
        this.#wake = undefined;
        clearTimeout(timer);
        wake();
      };
    });
  }

  /** Wakes it up. */
  end(): void {
    this.#wakeUps += 1;
    this.#wake?.();
  }

  /** Wakes it up, and a few times more for what comes just after. */
  endWithEchoes(): void {
    this.end();
    for (const echo of this.#echoes) clearTimeout(echo);
    this.#echoes = echoesMs.map((ms) => setTimeout(() => this.end(), ms).unref());
  }
}
