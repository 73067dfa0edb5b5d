import type { Summary } from "./rounds.ts";

/** One of the benchmark's promises, and whether this run kept it. */
export interface Line {
  readonly what: string;
  /** Ours divided by what it is compared with. */
  readonly ratio: number;
  readonly must: { readonly atLeast: number } | { readonly atMost: number };
  /** The two figures, for people. */
  readonly ours: string;
  readonly theirs: string;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Bars, one for each label: the medians. */
export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly { readonly label: string; readonly value: Summary }[];
}

/** What a scenario found. */
export interface Findings {
  readonly tables: readonly Table[];
  readonly lines: readonly Line[];
  readonly charts: readonly Chart[];
}

export function holds({ ratio, must }: Line): boolean {
  return "atLeast" in must ? ratio >= must.atLeast : ratio <= must.atMost;
}

/** A figure as people read it, with the range of its rounds. */
export function shown(summary: Summary | undefined, digits = 0): string {
  if (!summary) return "–";
  const text = (value: number) =>
    value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text(summary.median)} (${text(summary.min)}–${text(summary.max)})`;
}

/** Compares medians. */
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
    ours: `${our} ${shown(ours, digits)}`,
    theirs: `${their} ${shown(theirs, digits)}`,
  };
}

/** Whose median is the highest. */
export function bestOf(names: readonly string[], of: (name: string) => Summary | undefined): string {
  return names.toSorted((a, b) => (of(b)?.median ?? 0) - (of(a)?.median ?? 0))[0] as string;
}
