// What `soniq-drizzle status` draws in a terminal, again and again.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { showLive } from "../../src/cli/live-screen.ts";
import { SoniqError } from "../../src/index.ts";

const enter = "\u001b[?1049h\u001b[?25l";
const leave = "\u001b[?25h\u001b[?1049l";

/** Runs it until it has drawn so often. @returns what was written */
async function drawn(lines: (nth: number) => Promise<string[]>, times: number, size = {}): Promise<string[]> {
  const stop = new AbortController();
  const written: string[] = [];
  let asked = 0;
  const write = (text: string) => {
    written.push(text);
    if (written.length > times) stop.abort();
  };
  await showLive(() => lines((asked += 1)), { write, ...size }, stop.signal);
  return written;
}

test("it is drawn on a page of its own, each time over what was there, and that page is left at the end", async () => {
  const written = await drawn(async (nth) => [`drawn ${nth}`, "·"], 2);
  expect(written).toEqual([
    enter,
    "\u001b[Hdrawn 1\u001b[K\r\n·\u001b[K\r\n\u001b[J",
    "\u001b[Hdrawn 2\u001b[K\r\n·\u001b[K\r\n\u001b[J",
    leave,
  ]);
});

test("no more is drawn than the terminal has room for", async () => {
  const [, frame] = await drawn(async () => ["abcdef", "b", "c", "d"], 1, { columns: 3, rows: 3 });
  expect(frame).toBe("\u001b[Habc\u001b[K\r\nb\u001b[K\r\n\u001b[J");
});

test("a terminal that does not know its size is taken for one of the usual size", async () => {
  const [, frame] = await drawn(async () => ["abcdef", "b"], 1, { columns: 0, rows: 0 });
  expect(frame).toBe("\u001b[Habcdef\u001b[K\r\nb\u001b[K\r\n\u001b[J");
});

test("what goes wrong is drawn, and it goes on", async () => {
  const [, first, second] = await drawn(async (nth) => {
    if (nth === 1) throw new SoniqError("PostgreSQL is\u001b[2J away");
    return ["back"];
  }, 2);
  expect(first).toBe("\u001b[HPostgreSQL is away\u001b[K\r\n\u001b[J");
  expect(second).toContain("back");
});

test("it ends at once, though there is no answer yet", async () => {
  const stop = new AbortController();
  const written: string[] = [];
  const shown = showLive(() => new Promise(() => {}), { write: (text) => written.push(text) }, stop.signal);
  stop.abort();
  await shown;
  expect(written).toEqual([enter, leave]);
});

test("what was drawn before is forgotten, though it goes on for days", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const frames: WeakRef<string[]>[] = [];
  let forgotten = false;
  await drawn(async (nth) => {
    collect();
    forgotten ||= nth > 2 && frames[0]?.deref() === undefined;
    const lines = [`drawn ${nth}`];
    frames.push(new WeakRef(lines));
    return lines;
  }, 4);
  expect(forgotten).toBe(true);
});
