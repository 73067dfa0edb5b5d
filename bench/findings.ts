import type { Summary } from "./rounds.ts";

/** One of the benchmark's targets, and what this run measured. */
export interface Line {
  readonly what: string;
  /** Our figure divided by the other one. */
  readonly ratio: number;
  readonly must: { readonly atLeast: number } | { readonly atMost: number };
  /** The two figures as text. */
  readonly ours: string;
  readonly theirs: string;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** One bar per label: the medians. */
export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly { readonly label: string; readonly value: Summary }[];
}

/** The results of a scenario. */
export interface Findings {
  readonly tables: readonly Table[];
  readonly lines: readonly Line[];
  readonly charts: readonly Chart[];
}

export function holds({ ratio, must }: Line): boolean {
  return "atLeast" in must ? ratio >= must.atLeast : ratio <= must.atMost;
}

/** Formats a figure: the median, with the range of its rounds. */
export function formatSummary(summary: Summary | undefined, digits = 0): string {
  if (!summary) return "–";
  const text = (value: number) =>
    value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text(summary.median)} (${text(summary.min)}–${text(summary.max)})`;
}

/** Makes a line that compares two medians. */
export function line(
  what: string,
  must: Line["must"],
  ours: Summary | undefined,
  theirs: Summary | undefined,
  [our, their]: readonly [string, string],
  digits = 0,
): Line {
  if (!ours || !theirs) throw new Error(`${what}: there is nothing to compare`);
  return {
    what,
    must,
    ratio: ours.median / theirs.median,
    ours: `${our} ${formatSummary(ours, digits)}`,
    theirs: `${their} ${formatSummary(theirs, digits)}`,
  };
}

/** Returns the name with the highest median. */
export function bestOf(names: readonly string[], of: (name: string) => Summary | undefined): string {
  return names.toSorted((a, b) => (of(b)?.median ?? 0) - (of(a)?.median ?? 0))[0] as string;
}
