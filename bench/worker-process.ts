// A worker in a child process: reports how many handlers have run and when, and measures itself on request.
import type { FromWorker, ToWorker } from "./worker-messages.ts";
import { now } from "./clock.ts";
import { systemCalled } from "./systems/all.ts";
import type { Mode } from "./systems/system.ts";

const reportEveryMs = 5;

const [name, mode, url] = process.argv.slice(2) as [string, Mode, string];
let handled = 0;
let reported = 0;
let firstAt = 0;
let lastAt = 0;
const latenciesMs: number[] = [];

const send = (message: FromWorker) => process.send?.(message);

const worker = await systemCalled(name).startWorker(url, mode, ({ at }) => {
  lastAt = now();
  if (handled === 0) firstAt = lastAt;
  if (at !== undefined) latenciesMs.push(lastAt - at);
  handled += 1;
});

function report(): void {
  if (handled === reported) return;
  send({ type: "handled", jobs: handled - reported, firstAt, lastAt });
  reported = handled;
}

const started = process.cpuUsage();
const reports = setInterval(report, reportEveryMs);
send({ type: "ready" });

process.on("message", async (message: ToWorker) => {
  switch (message) {
    case "measure": {
      report();
      const { rss } = process.memoryUsage();
      globalThis.gc?.();
      const { user, system } = process.cpuUsage(started);
      const { heapUsed } = process.memoryUsage();
      send({ type: "measured", rss, heapUsed, cpuMs: (user + system) / 1000, latenciesMs: latenciesMs.splice(0) });
      return;
    }
    case "stop":
      await worker.stop();
      clearInterval(reports);
      report();
      process.disconnect?.();
      return;
    default:
      message satisfies never;
  }
});
