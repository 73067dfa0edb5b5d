// Compares soniq-drizzle with its peers: see README.md.
import { parseArgs } from "node:util";
import { holds } from "./findings.ts";
import { asText, linesTable, machine, type Report, writeReport } from "./report.ts";
import { enqueue } from "./scenarios/enqueue.ts";
import { history } from "./scenarios/history.ts";
import { kept } from "./scenarios/kept.ts";
import { latency } from "./scenarios/latency.ts";
import { memory } from "./scenarios/memory.ts";
import { pages } from "./scenarios/pages.ts";
import { payloads } from "./scenarios/payloads.ts";
import { pinned } from "./scenarios/pinned.ts";
import { processes } from "./scenarios/processes.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { start } from "./scenarios/start.ts";
import { statementCosts } from "./scenarios/statements.ts";
import { storage } from "./scenarios/storage.ts";
import { unbatched } from "./scenarios/unbatched.ts";
import { waiting } from "./scenarios/waiting.ts";
import { startServer } from "./server.ts";
import { systems } from "./systems/all.ts";

const scenarios: readonly Scenario[] = [
  kept,
  payloads,
  unbatched,
  pinned,
  waiting,
  history,
  enqueue,
  latency,
  processes,
  memory,
  pages,
  statementCosts,
  start,
  storage,
];
/** It waits seven minutes for autovacuum. */
const notQuick = storage;
/** A quick run has one round. Its results may differ by a third from run to run. */
const rounds = { quick: 1, full: 3 };

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, scenario: { type: "string", multiple: true } },
});
const unknownName = values.scenario?.find((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknownName !== undefined) {
  console.error(`unknown scenario ${unknownName}: use one of ${scenarios.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
const chosen = scenarios.filter(
  (scenario) => values.scenario?.includes(scenario.name) ?? !(values.quick && scenario === notQuick),
);

const server = await startServer();
const found: Report["scenarios"][number][] = [];
try {
  for (const { name, what, run } of chosen) {
    console.log(`\n# ${name}: ${what}`);
    const findings = await run({
      server,
      quick: values.quick,
      rounds: values.quick ? rounds.quick : rounds.full,
      showStatus,
    });
    for (const table of findings.tables) console.log(asText(table));
    console.log(asText(linesTable(findings.lines)));
    found.push({ name, what, ...findings });
  }
} finally {
  await server.stop();
}

// Only a complete run is a report.
if (!values.scenario) {
  writeReport(
    {
      mode: values.quick ? "quick" : "full",
      at: new Date().toISOString(),
      postgres: server.version,
      node: process.version,
      machine: machine(),
      scenarios: found,
    },
    systems,
  );
}
const lines = found.flatMap((scenario) => scenario.lines);
const held = lines.filter(holds).length;
console.log(`\nlines held: ${held} of ${lines.length}`);
process.exit(held === lines.length ? 0 : 1);

function showStatus(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
  else if (process.env["BENCH_VERBOSE"]) console.error(text);
}
