import { pause } from "../worker/timing/periodic-tasks.js";
import { explain } from "./explain.js";
import { toPrintable } from "../core/terminal.js";

/** A terminal, as far as it is drawn on. */
export interface Screen {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const everyMs = 1_000;
/** A page of its own, without a cursor: what stood there before comes back with the second. */
const enter = "\u001b[?1049h\u001b[?25l";
const leave = "\u001b[?25h\u001b[?1049l";

/**
 * Draws on a terminal, about once a second and each time over what was there before, until it is told to stop. What goes wrong
 * meanwhile is drawn, too: PostgreSQL may come back.
 *
 * @param lines what there is to see
 */
export async function showLive(lines: () => Promise<string[]>, screen: Screen, stop: AbortSignal): Promise<void> {
  const orTrouble = (error: unknown) => explain(error).split("\n");
  screen.write(enter);
  try {
    while (!stop.aborted) {
      const drawn = await unlessStopped(lines().catch(orTrouble), stop);
      if (drawn) screen.write(frame(drawn, screen));
      await pause(everyMs, stop);
    }
  } finally {
    screen.write(leave);
  }
}

/** Not a race against one promise for all rounds: that would keep what each of them drew. */
function unlessStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stopped = () => resolve(undefined);
    stop.addEventListener("abort", stopped, { once: true });
    void work.then(resolve, reject).finally(() => stop.removeEventListener("abort", stopped));
  });
}

/** As much of it as the terminal has room for. One that was never told its size says 0. */
function frame(lines: readonly string[], { columns, rows }: Screen): string {
  const shown = lines
    .slice(0, (rows || 24) - 1)
    .map((line) => `${toPrintable(line).slice(0, columns || 80)}\u001b[K\r\n`);
  return `\u001b[H${shown.join("")}\u001b[J`;
}
