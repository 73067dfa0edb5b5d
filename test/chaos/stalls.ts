/** A time in which the harness itself had no turn, and with it every connection: all of them go through its proxies. */
export interface Stall {
  readonly from: number;
  readonly until: number;
}

const everyMs = 100;
const lateMs = 200;

/** Notes stalls until it is stopped. */
export function noteStalls(): { stalls: Stall[]; stop(): void } {
  const stalls: Stall[] = [];
  let last = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    if (now - last > everyMs + lateMs) stalls.push({ from: last + everyMs, until: now });
    last = now;
  }, everyMs);
  return { stalls, stop: () => clearInterval(timer) };
}
