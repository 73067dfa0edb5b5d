import { ringIntervalMs } from "../../sessions/doorbell.js";

/**
 * The delays of the extra polls after a wake-up. They find the jobs that rang no doorbell because one had just rung: first when
 * the doorbell may ring again, later for transactions that take longer to commit.
 */
const echoDelaysMs = [1.5 * ringIntervalMs, 5 * ringIntervalMs, 25 * ringIntervalMs];

/** The pause of a loop between two iterations. A wake-up ends it early. */
export class Sleep {
  #wakeUps = 0;
  #wake: (() => void) | undefined;
  #echoes: NodeJS.Timeout[] = [];

  /** Grows with each wake-up, so that the loop can notice a wake-up that arrives during an iteration. */
  get wakeUps(): number {
    return this.#wakeUps;
  }

  get isSleeping(): boolean {
    return this.#wake !== undefined;
  }

  /** Sleeps for the given time, shortened by up to a fifth at random, or until a wake-up. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), ms * (0.8 + Math.random() / 5));
      this.#wake = () => {
        this.#wake = undefined;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  wake(): void {
    this.#wakeUps += 1;
    this.#wake?.();
  }

  /** Wakes the loop now, and a few more times for the jobs that are committed just after. */
  wakeWithEchoes(): void {
    this.wake();
    for (const echo of this.#echoes) clearTimeout(echo);
    this.#echoes = echoDelaysMs.map((ms) => setTimeout(() => this.wake(), ms).unref());
  }
}
