import { arch, cpus, totalmem } from "node:os";
import { mkdirSync, writeFileSync } from "node:fs";
import { svgOf } from "./charts.ts";
import { type Findings, holds, type Line, type Table } from "./findings.ts";
import type { System } from "./systems/system.ts";

/** The results of a complete run. */
export interface Report {
  readonly mode: "quick" | "full";
  readonly at: string;
  readonly postgres: string;
  readonly node: string;
  readonly machine: string;
  readonly scenarios: readonly ({ readonly name: string; readonly what: string } & Findings)[];
}

export function machine(): string {
  return `${cpus().length} cores (${cpus()[0]?.model.trim() ?? arch()}), ${Math.round(totalmem() / 2 ** 30)} GB`;
}

/** Writes `latest.json`, `REPORT.md` and its charts. */
export function writeReport(report: Report, systems: readonly System[]): void {
  const directory = new URL("results/", import.meta.url);
  mkdirSync(directory, { recursive: true });
  writeFileSync(new URL("latest.json", directory), `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(new URL("REPORT.md", directory), markdown(report, systems));
  for (const { name, charts } of report.scenarios) {
    for (const [i, chart] of charts.entries()) writeFileSync(new URL(chartFile(name, i), directory), svgOf(chart));
  }
}

const chartFile = (scenario: string, i: number) => `${scenario}-${i + 1}.svg`;

function markdown({ mode, at, postgres, node, machine: where, scenarios }: Report, systems: readonly System[]): string {
  const lines = scenarios.flatMap((scenario) => scenario.lines);
  return [
    `# Benchmark, ${mode} run`,
    `${at.slice(0, 10)} · PostgreSQL ${postgres}, fsync on · Node ${node} · ${where}. Figures are medians of the rounds, with minimum and maximum in brackets; ratios are ratios of medians. Compare within this run only.`,
    `**Lines held: ${lines.filter(holds).length} of ${lines.length}.**`,
    "## Lines",
    asMarkdown(linesTable(lines)),
    "## Guarantees of each system",
    asMarkdown(guaranteesTable(systems)),
    ...scenarios.flatMap(({ name, what, tables, charts }) => [
      `## ${name}`,
      `${what[0]?.toUpperCase()}${what.slice(1)}.`,
      ...tables.flatMap((table) => [`**${table.title}**`, asMarkdown(table)]),
      ...charts.map((chart, i) => `![${chart.title}](${chartFile(name, i)})`),
    ]),
  ]
    .map((block) => `${block}\n`)
    .join("\n");
}

export function linesTable(lines: readonly Line[]): Table {
  return {
    title: "Lines",
    columns: ["", "ratio", "must be", "held", "ours", "theirs"],
    rows: lines.map((line) => [
      line.what,
      line.ratio.toFixed(2),
      "atLeast" in line.must ? `≥ ${line.must.atLeast}` : `≤ ${line.must.atMost}`,
      holds(line) ? "yes" : "**no**",
      line.ours,
      line.theirs,
    ]),
  };
}

function guaranteesTable(systems: readonly System[]): Table {
  const yes = (does: boolean) => (does ? "yes" : "no");
  return {
    title: "Guarantees",
    columns: [
      "",
      "version",
      "fenced",
      "result kept",
      "history kept",
      "outcome per job",
      "payload validated",
      "set up as",
    ],
    rows: systems.map(({ name, version, guarantees, settings }) => [
      name,
      version,
      yes(guarantees.fence),
      yes(guarantees.result),
      yes(guarantees.history),
      yes(guarantees.perJobOutcome),
      yes(guarantees.validated),
      settings.batched ?? "",
    ]),
  };
}

function asMarkdown({ columns, rows }: Table): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [row(columns), row(columns.map(() => "---")), ...rows.map(row)].join("\n");
}

/** Formats a table for a terminal. */
export function asText({ title, columns, rows }: Table): string {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => (row[i] ?? "").length)));
  const row = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd();
  return [`\n${title}`, row(columns), ...rows.map(row)].join("\n");
}
