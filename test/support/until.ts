import { setTimeout as sleep } from "node:timers/promises";

/** Asks again and again, and resolves with the first answer that is not undefined, null or false. The test's timeout is the bound. */
export async function until<T>(ask: () => Promise<T>): Promise<NonNullable<Exclude<T, false>>> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== null && answer !== false) return answer as NonNullable<Exclude<T, false>>;
    await sleep(10);
  }
}
