/** The maximum number of wrong tokens per address and minute; after that, the client must wait. */
const maxGuesses = 20;
const windowMs = 60_000;
/** The number of addresses is unbounded. Beyond this number, all windows are cleared, which lets a few more guesses through. */
const maxAddresses = 1_000;

/**
 * Throttles wrong tokens per address. Tokens are too long to guess anyway: the limit spares the server, and tells users that their
 * token is outdated.
 */
export interface GuessLimiter {
  /** Returns how many seconds an address must wait; 0 if it has not reached the limit. */
  getWaitSeconds(address: string): number;
  recordGuess(address: string): void;
}

/** @param now returns milliseconds of a monotonic clock */
export function createGuessLimiter(now: () => number = () => performance.now()): GuessLimiter {
  const windows = new Map<string, { readonly endsAt: number; guesses: number }>();
  const findOpenWindow = (address: string) => {
    const window = windows.get(address);
    return window && window.endsAt > now() ? window : undefined;
  };
  return {
    getWaitSeconds(address) {
      const window = findOpenWindow(address);
      return window && window.guesses >= maxGuesses ? Math.ceil((window.endsAt - now()) / 1_000) : 0;
    },
    recordGuess(address) {
      const window = findOpenWindow(address) ?? { endsAt: now() + windowMs, guesses: 0 };
      window.guesses += 1;
      if (windows.size >= maxAddresses && !windows.has(address)) windows.clear();
      windows.set(address, window);
    },
  };
}
