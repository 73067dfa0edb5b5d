import type { TransactionSlot } from "./transaction-slot.js";

/** Opens slots as they are needed, up to a limit, and uses them again while their connections stand. */
export class TransactionSlots {
  readonly #free: TransactionSlot[] = [];
  readonly #taken = new Set<TransactionSlot>();
  readonly #waiting = new Set<(slot: TransactionSlot) => void>();

  /** @param limit how many may be open at once */
  constructor(
    private readonly open: () => TransactionSlot,
    private readonly limit: number,
  ) {}

  /** Takes a slot, when one is free. @throws the signal's reason once that is aborted */
  async take(signal: AbortSignal): Promise<TransactionSlot> {
    signal.throwIfAborted();
    const slot = this.#next();
    if (slot) return slot;
    return new Promise((resolve, reject) => {
      const got = (free: TransactionSlot) => {
        signal.removeEventListener("abort", abort);
        resolve(free);
      };
      const abort = () => {
        this.#waiting.delete(got);
        reject(signal.reason as Error);
      };
      this.#waiting.add(got);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Gives a slot back; one whose connection was lost is thrown away. */
  giveBack(slot: TransactionSlot): void {
    this.#taken.delete(slot);
    if (slot.loss.error) slot.destroy();
    else this.#free.push(slot);
    const [first] = this.#waiting;
    const next = first && this.#next();
    if (!next) return;
    this.#waiting.delete(first);
    first(next);
  }

  close(): void {
    for (const slot of [...this.#free.splice(0), ...this.#taken]) slot.destroy();
  }

  #next(): TransactionSlot | undefined {
    let slot = this.#free.pop();
    // Its connection may have broken at rest.
    while (slot?.loss.error) {
      slot.destroy();
      slot = this.#free.pop();
    }
    if (!slot && this.#taken.size < this.limit) slot = this.open();
    if (slot) this.#taken.add(slot);
    return slot;
  }
}
