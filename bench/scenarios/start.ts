import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { line, formatSummary } from "../findings.ts";
import { interleave } from "../rounds.ts";
import type { Scenario } from "./scenario.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** What an application that reads its own tables imports anyway. */
const drizzleAlone = `import { drizzle } from "drizzle-orm/postgres-js"; import { pgTable } from "drizzle-orm/pg-core"; import * as v from "valibot";`;
const enqueuing = `${drizzleAlone} import { defineJob, enqueue } from "soniq-drizzle";`;

const programs: Readonly<Record<string, readonly string[]>> = {
  "Node alone": ["--input-type=module", "--eval", ""],
  "drizzle-orm and valibot": ["--input-type=module", "--eval", drizzleAlone],
  "the same with soniq-drizzle": ["--input-type=module", "--eval", enqueuing],
  "soniq-drizzle --help": ["bin/soniq-drizzle.js", "--help"],
  "soniq-drizzle queues --help": ["bin/soniq-drizzle.js", "queues", "--help"],
};

/** Makes a process print its CPU time, of all its threads, when it ends. */
const printCpuTime = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from "node:fs";
  process.on("exit", () => { const { user, system } = process.cpuUsage(); writeSync(2, "cpu " + (user + system)); });
`)}`;

function measureCpuMs(args: readonly string[]): number {
  const { stderr } = spawnSync(process.execPath, ["--import", printCpuTime, ...args], { cwd: root, encoding: "utf8" });
  const micros = /cpu (\d+)$/.exec(stderr)?.[1];
  if (micros === undefined) throw new Error(`${args.join(" ")} failed: ${stderr}`);
  return Number(micros) / 1000;
}

export const start: Scenario = {
  name: "start",
  what: "the CPU time until a process is ready",
  async run({ rounds, showStatus }) {
    const names = Object.keys(programs);
    const results = await interleave<"cpu">(3 * rounds, names, async (name, round) => {
      showStatus(`${name}, round ${round + 1}`);
      return { cpu: measureCpuMs(programs[name] as readonly string[]) };
    });
    const of = (name: string) => results.of(name, "cpu");
    const [, drizzle, ours, help] = names as [string, string, string, string];
    return {
      tables: [
        {
          title: "CPU time",
          columns: ["", "ms"],
          rows: names.map((name) => [name, formatSummary(of(name))]),
        },
      ],
      lines: [
        line("start: an application that enqueues, against Drizzle alone", { atMost: 1.1 }, of(ours), of(drizzle), [
          "with soniq-drizzle",
          "Drizzle alone",
        ]),
        line("start: --help, of 300 ms", { atMost: 1 }, of(help), { median: 300, min: 300, max: 300 }, [
          "--help",
          "allowed",
        ]),
      ],
      charts: [],
    };
  },
};
