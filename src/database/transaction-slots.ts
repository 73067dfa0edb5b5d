import type { TransactionSlot } from "./transaction-slot.js";

/** A pool of slots. It opens slots on demand, up to a limit, and reuses them while their connections are up. */
export class TransactionSlots {
  readonly #free: TransactionSlot[] = [];
  readonly #taken = new Set<TransactionSlot>();
  readonly #waiters = new Set<(slot: TransactionSlot) => void>();

  /** @param maxSlots how many slots may be open at once */
  constructor(
    private readonly open: () => TransactionSlot,
    private readonly maxSlots: number,
  ) {}

  /** Waits for a free slot and acquires it. @throws the signal's reason if it is aborted first */
  async acquire(signal: AbortSignal): Promise<TransactionSlot> {
    signal.throwIfAborted();
    const slot = this.#next();
    if (slot) return slot;
    return new Promise((resolve, reject) => {
      const onSlot = (free: TransactionSlot) => {
        signal.removeEventListener("abort", abort);
        resolve(free);
      };
      const abort = () => {
        this.#waiters.delete(onSlot);
        reject(signal.reason as Error);
      };
      this.#waiters.add(onSlot);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Returns a slot to the pool, or destroys it if its connection was lost. */
  release(slot: TransactionSlot): void {
    this.#taken.delete(slot);
    if (slot.loss.error) slot.destroy();
    else this.#free.push(slot);
    const [first] = this.#waiters;
    const next = first && this.#next();
    if (!next) return;
    this.#waiters.delete(first);
    first(next);
  }

  close(): void {
    for (const slot of [...this.#free.splice(0), ...this.#taken]) slot.destroy();
  }

  #next(): TransactionSlot | undefined {
    let slot = this.#free.pop();
    // A connection may have broken while it was idle.
    while (slot?.loss.error) {
      slot.destroy();
      slot = this.#free.pop();
    }
    if (!slot && this.#taken.size < this.maxSlots) slot = this.open();
    if (slot) this.#taken.add(slot);
    return slot;
  }
}
