import { pause } from "../worker/timing/periodic-tasks.js";
import { explain } from "./explain.js";
import { toPrintable } from "../core/terminal.js";

/** The part of a terminal that drawing needs. */
export interface Screen {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const intervalMs = 1_000;
/** Switches to the alternate screen and hides the cursor. `leaveAlternateScreen` restores the previous content. */
const enterAlternateScreen = "\u001b[?1049h\u001b[?25l";
const leaveAlternateScreen = "\u001b[?25h\u001b[?1049l";

/**
 * Redraws a terminal about once a second until `stop` is aborted. It draws an error instead of throwing it, because PostgreSQL
 * may come back.
 *
 * @param lines reads the lines to draw
 */
export async function showLive(lines: () => Promise<string[]>, screen: Screen, stop: AbortSignal): Promise<void> {
  const formatError = (error: unknown) => explain(error).split("\n");
  screen.write(enterAlternateScreen);
  try {
    while (!stop.aborted) {
      const drawnLines = await waitUnlessAborted(lines().catch(formatError), stop);
      if (drawnLines) screen.write(formatFrame(drawnLines, screen));
      await pause(intervalMs, stop);
    }
  } finally {
    screen.write(leaveAlternateScreen);
  }
}

/**
 * Waits for `work`, or returns undefined once `stop` is aborted. A `Promise.race` against one promise that outlives all
 * iterations would leak: that promise would retain the result of each iteration.
 */
function waitUnlessAborted<T>(work: Promise<T>, stop: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const resolveEarly = () => resolve(undefined);
    stop.addEventListener("abort", resolveEarly, { once: true });
    void work.then(resolve, reject).finally(() => stop.removeEventListener("abort", resolveEarly));
  });
}

/** Cuts the lines to the terminal's size. A terminal whose size was never set reports 0. */
function formatFrame(lines: readonly string[], { columns, rows }: Screen): string {
  const visibleLines = lines
    .slice(0, (rows || 24) - 1)
    .map((line) => `${toPrintable(line).slice(0, columns || 80)}\u001b[K\r\n`);
  return `\u001b[H${visibleLines.join("")}\u001b[J`;
}
