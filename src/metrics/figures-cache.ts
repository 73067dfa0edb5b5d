import type { Figures } from "./read-figures.js";

const keptMs = 5_000;
/** Prometheus waits for ten seconds. */
const patienceMs = 3_000;

/**
 * Asks no more often than every five seconds, and one question at a time, however many scrape.
 *
 * @returns asks; undefined while there is no answer
 */
export function figuresCache(read: () => Promise<Figures>): () => Promise<Figures | undefined> {
  let askedAt = -Infinity;
  let answered = true;
  let answer: Promise<Figures | undefined> = Promise.resolve(undefined);
  return () => {
    const now = performance.now();
    if (answered && now - askedAt >= keptMs) {
      askedAt = now;
      answered = false;
      answer = read()
        .catch(() => undefined)
        .finally(() => (answered = true));
    }
    return Promise.race([answer, noAnswer()]);
  };
}

function noAnswer(): Promise<undefined> {
  return new Promise((done) => AbortSignal.timeout(patienceMs).addEventListener("abort", () => done(undefined)));
}
