// `npm run chaos`: real workers, a real PostgreSQL and faults drawn from a seed; then the books are checked.
// Run by node itself: the command of tsx kills what does not answer a Ctrl-C at once, and much would be left behind.
import { setMaxListeners } from "node:events";
import { Command, InvalidArgumentError } from "commander";
import { startEmbeddedPostgres } from "../support/embedded-postgres.ts";
import { mutants } from "./mutants.ts";
import { type MutationResult, runMutant } from "./mutation-run.ts";
import type { PlannedFault } from "./plan.ts";
import { everything } from "./profiles.ts";
import { report } from "./report.ts";
import { run, type Watch } from "./run.ts";
import { scenarios } from "./scenarios/all.ts";
import type { Scenario } from "./scenarios/scenario.ts";

interface Options {
  readonly seed: number;
  readonly seconds: number;
  readonly json?: true;
  /** True: all of them. */
  readonly mutants?: true | string;
  readonly scenario?: string[];
}

const server = { fsync: "off", max_connections: "300" };
const silent: Watch = { phase: () => {}, fault: () => {}, missed: () => {} };
const stop = new AbortController();
// Each transaction of the load listens.
setMaxListeners(0, stop.signal);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());

const command = new Command("chaos")
  .description(
    "run workers against faults, and check that nothing is lost, nothing is settled twice and every effect happens once",
  )
  .option(
    "--seed <n>",
    "decides the faults and the load (a machine's timing is never quite the same)",
    whole,
    Date.now() % 1_000_000,
  )
  .option("--seconds <n>", "how long load and faults go on", whole, 60)
  .option("--json", "one JSON object on the last line; all else on standard error")
  .option(
    "--mutants [name]",
    "put each deliberate fault into the product, or that one: each must be found",
    nameOfMutant,
  )
  .option(
    "--scenario <names>",
    `single faults at length instead, separated by commas, or all: ${Object.keys(scenarios).join(", ")}`,
    namesOfScenarios,
  )
  .action((options: Options) => (options.mutants ? runMutants : options.scenario ? runScenarios : chaos)(options));

try {
  await command.parseAsync();
} catch (error) {
  // What was under way is not waited for.
  if (stop.signal.aborted) process.exit(130);
  console.error(error);
  process.exitCode = 1;
}

async function chaos({ seed, seconds, json }: Options): Promise<void> {
  const say = sayer(json);
  const postgres = await startEmbeddedPostgres(server);
  try {
    const result = await run(postgres, { ...everything, seed, seconds }, watcher(say), stop.signal);
    say(report(result, `npm run chaos -- --seed ${seed} --seconds ${seconds}`));
    if (json) console.log(JSON.stringify(result));
    process.exitCode = result.violations.length === 0 ? 0 : 1;
  } finally {
    await postgres.stop();
  }
}

async function runMutants({ seed, mutants: name, json }: Options): Promise<void> {
  const chosen = mutants.filter((mutant) => name === true || mutant.name === name);
  const say = sayer(json);
  const postgres = await startEmbeddedPostgres(server);
  try {
    const results: MutationResult[] = [];
    const controls = [...new Set(chosen.map(({ profile }) => profile))].map((profile) => ({
      mutant: undefined,
      profile,
    }));
    for (const { mutant, profile } of [...controls, ...chosen.map((one) => ({ mutant: one, profile: one.profile }))]) {
      const result = await runMutant(postgres, mutant, profile, seed, silent, stop.signal);
      results.push(result);
      say(`${result.good ? "good" : "BAD "}  ${result.mutant.padEnd(22)} ${result.what}`);
      if (!result.good) say(report(result.result, `npm run chaos -- --seed ${seed} --mutants ${mutant?.name ?? ""}`));
    }
    if (json) console.log(JSON.stringify(results));
    process.exitCode = results.every(({ good }) => good) ? 0 : 1;
  } finally {
    await postgres.stop();
  }
}

async function runScenarios({ seed, scenario: names = [], json }: Options): Promise<void> {
  const say = sayer(json);
  const results: object[] = [];
  for (const name of names) {
    const postgres = await startEmbeddedPostgres(server);
    const began = performance.now();
    try {
      const { figures, violations } = await (scenarios[name] as Scenario)({ url: postgres.url, seed });
      const seconds = Math.round((performance.now() - began) / 1_000);
      results.push({ scenario: name, seed, seconds, figures, violations });
      const list = Object.entries(figures).map(([figure, n]) => `${figure} ${n}`);
      say(`${violations.length === 0 ? "clean" : "RED  "}  ${name} (${seconds} s): ${list.join(" · ")}`);
      for (const violation of violations) say(`       ${violation}`);
      if (violations.length > 0) process.exitCode = 1;
    } finally {
      await postgres.stop();
    }
  }
  if (json) console.log(JSON.stringify(results));
}

function watcher(say: (text: string) => void): Watch {
  const began = performance.now();
  const named = ({ kind, worker }: PlannedFault) => `${kind}${worker === null ? "" : ` · worker ${worker}`}`;
  const seconds = () => ((performance.now() - began) / 1_000).toFixed(1).padStart(6);
  return {
    phase: (text) => say(`${seconds()} s  ${text}`),
    fault: (fault) => say(`${seconds()} s  ${named(fault)}`),
    missed: (fault) => say(`${seconds()} s  ${named(fault)}: nothing to strike`),
  };
}

function sayer(json: true | undefined): (text: string) => void {
  return (text) => void (json ? process.stderr : process.stdout).write(`${text}\n`);
}

function nameOfMutant(name: string): string {
  if (mutants.some((mutant) => mutant.name === name)) return name;
  throw new InvalidArgumentError(`there are ${mutants.map((mutant) => mutant.name).join(", ")}.`);
}

function namesOfScenarios(text: string): string[] {
  const names = text === "all" ? Object.keys(scenarios) : text.split(",");
  if (names.every((name) => name in scenarios)) return names;
  throw new InvalidArgumentError(`there are ${Object.keys(scenarios).join(", ")}.`);
}

function whole(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 0) throw new InvalidArgumentError("give a whole number.");
  return n;
}
