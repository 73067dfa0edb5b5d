/** Numbers that look random, and are the same for the same seed. */
export interface Random {
  /** At least 0, less than 1. */
  next(): number;
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
}

/** The seed of this run; say it in the failure, and set SONIQ_TEST_SEED to it to see the same again. */
export const seed = Number(process.env["SONIQ_TEST_SEED"] ?? Date.now() % 1_000_000);

/** The generator "mulberry32" by Tommy Ettinger. */
export function randomFrom(from: number): Random {
  let state = from >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, below: (limit) => Math.floor(next() * limit) };
}
