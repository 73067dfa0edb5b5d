// What a person reads of a run.
import type { FaultFigures } from "./figures.ts";
import type { RunResult } from "./run.ts";
import type { Violation } from "./verdict.ts";

const longestList = 40;

export function report({ seed, seconds, drainMs, figures, violations, evidence }: RunResult, again: string): string {
  const { faults, ...totals } = figures;
  const columns = ["injected", "in hand", "rescued", "fenced", "lost claims", "worst recovery"];
  const rows = Object.entries(faults).map(([kind, figure]) => [kind, ...cells(figure)]);
  return [
    `seed ${seed} · ${seconds} s · drained in ${(drainMs / 1_000).toFixed(1)} s`,
    Object.entries(totals)
      .map(([name, value]) => `${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} ${value}`)
      .join(" · "),
    "",
    ...table([["fault", ...columns], ...rows]),
    "",
    ...verdict(violations),
    ...(evidence ? [`History and logs: ${evidence}`] : []),
    ...(violations.length > 0 ? [`To run it again: ${again}`] : []),
  ].join("\n");
}

function cells({ injected, inHand, rescued, fenced, lostClaimsReleased, worstRecoveryMs }: FaultFigures): string[] {
  const worst = worstRecoveryMs === undefined ? "" : `${(worstRecoveryMs / 1_000).toFixed(1)} s`;
  return [...[injected, inHand, rescued, fenced, lostClaimsReleased].map(String), worst];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  "),
  );
}

function verdict(violations: readonly Violation[]): string[] {
  if (violations.length === 0) return ["Clean: nothing lost, nothing settled twice, every effect where it belongs."];
  const listed = violations.slice(0, longestList).map(line);
  const rest = violations.length - listed.length;
  return [`${violations.length} violations:`, ...listed, ...(rest > 0 ? [`… and ${rest} more`] : [])];
}

function line({ check, job, at, what }: Violation): string {
  const when = at === undefined ? "" : ` at ${new Date(at).toISOString()}`;
  return `- ${check}${job === undefined ? "" : `: job ${job}`}${when}: ${what}`;
}
