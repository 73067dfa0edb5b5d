// When a worker looks for jobs behind the marks: by its own clock, which stands still here.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ScanTimes } from "../../src/worker/timing/scan-times.ts";

let now = 0;
beforeEach(() => void vi.spyOn(performance, "now").mockImplementation(() => now));
afterEach(() => void vi.restoreAllMocks());

const taking = (ms: number) => () => Promise.resolve(void (now += ms));
const failing = (ms: number, code: string) => () => {
  now += ms;
  return Promise.reject(Object.assign(new Error(code), { code }));
};
/** After how many milliseconds the next look is due. */
const nextIn = (looks: ScanTimes) => {
  const began = now;
  while (!looks.isDue()) now += 100;
  return now - began;
};

test("what looks cost is a twentieth of the time", async () => {
  const looks = new ScanTimes();
  await looks.time(taking(200));
  await looks.time(taking(200));
  expect(nextIn(looks)).toBe(4_000);
});

test("one that waited for a server which stood still hides nothing: the next one is due a second later", async () => {
  const looks = new ScanTimes();
  await looks.time(taking(10));
  await looks.time(taking(4_000));
  expect(nextIn(looks)).toBe(1_000);
});

test.each(["NO_REPLY", "ECONNRESET", "57P01"])("nor does one that failed in an outage: %s", async (code) => {
  const looks = new ScanTimes();
  for (let round = 0; round < 3; round += 1) await looks.time(failing(25_000, code)).catch(() => {});
  expect(nextIn(looks)).toBe(1_000);
});

test("however long looks take, the next one is due half a minute later", async () => {
  const looks = new ScanTimes();
  for (let round = 0; round < 3; round += 1) await looks.time(failing(20_000, "57014")).catch(() => {});
  expect(nextIn(looks)).toBe(30_000);
});

test("after a wake-up that no claim explained, it is due sooner, within the same budget", async () => {
  const looks = new ScanTimes();
  await looks.time(taking(50));
  await looks.time(taking(50));
  now += 999;
  expect(looks.isDue(true)).toBe(false);
  now += 1;
  expect(looks.isDue(true)).toBe(true);
  const cheap = new ScanTimes();
  await cheap.time(taking(1));
  now += 100;
  expect(cheap.isDue(true)).toBe(true);
  expect(cheap.isDue()).toBe(false);
});
