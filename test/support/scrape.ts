import type { Metrics } from "../../src/metrics.ts";

/** A line of what Prometheus is served. */
export interface Line {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Scrapes, and reads what comes as strictly as Prometheus does. */
export async function scrape(metrics: Metrics): Promise<Line[]> {
  return readLines(await (await metrics.handler()).text());
}

function readLines(text: string): Line[] {
  return text.split("\n").flatMap((line) => {
    if (line === "" || /^# (HELP|TYPE) [a-z_]+ \S/.test(line)) return [];
    const [, name, labels = "", value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`this is no line of Prometheus' format: ${line}`);
    const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)",?/g)];
    if (pairs.map(([pair]) => pair).join("") !== labels) throw new Error(`these are no labels: ${labels}`);
    return [
      {
        name,
        labels: Object.fromEntries(pairs.map(([, label, quoted]) => [label, JSON.parse(`"${quoted}"`) as string])),
        value: Number(value),
      },
    ];
  });
}
