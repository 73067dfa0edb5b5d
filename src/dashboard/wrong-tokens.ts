/** Of one address within a minute; whoever sends more is told to wait. */
const maxWrong = 20;
const windowMs = 60_000;
/** Addresses may come without end; forgetting them all lets a few more guesses through. */
const maxAddresses = 1_000;

/** Counts the tokens that are guessed. They are too long for that: it spares the server, and whoever has an old one learns it. */
export interface WrongTokens {
  /** For how many seconds there have been too many from there; 0 if there have not. */
  closedFor(address: string): number;
  note(address: string): void;
}

/** @param now milliseconds of a clock that never goes back */
export function wrongTokens(now: () => number = () => performance.now()): WrongTokens {
  const windows = new Map<string, { readonly endsAt: number; wrong: number }>();
  const current = (address: string) => {
    const window = windows.get(address);
    return window && window.endsAt > now() ? window : undefined;
  };
  return {
    closedFor(address) {
      const window = current(address);
      return window && window.wrong >= maxWrong ? Math.ceil((window.endsAt - now()) / 1_000) : 0;
    },
    note(address) {
      const window = current(address) ?? { endsAt: now() + windowMs, wrong: 0 };
      window.wrong += 1;
      if (windows.size >= maxAddresses && !windows.has(address)) windows.clear();
      windows.set(address, window);
    },
  };
}
