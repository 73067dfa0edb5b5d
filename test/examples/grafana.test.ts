// examples/grafana: what its files ask Prometheus for, workers serve.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import * as v from "valibot";
import { createWorker, defineJob, enqueue } from "../../src/index.ts";
import { createMetrics } from "../../src/metrics.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { type Line, scrape } from "../support/scrape.ts";
import { until } from "../support/until.ts";
import { readYaml } from "../support/yaml.ts";

const { db, url } = await testDatabase();
const read = (name: string) => readFileSync(new URL(`../../examples/grafana/${name}`, import.meta.url), "utf8");

interface Panel {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string; readonly legendFormat?: string }[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
}
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description?: string };
}

const dashboard = JSON.parse(read("dashboard.json")) as Dashboard;
const { groups } = readYaml(read("alerts.yaml")) as unknown as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const targets = dashboard.panels.flatMap((panel) => panel.targets);
const expressions = [
  ...targets.map(({ expr }) => expr),
  ...dashboard.templating.list.map(({ query }) => query),
  ...rules.map(({ expr }) => expr),
];

const metricsIn = (expression: string) => [...expression.matchAll(/\bsoniq_\w+/g)].map(([name]) => name);
/** By which labels it selects, groups or joins, and which it asks the values of. */
function labelsIn(expression: string): string[] {
  const selected = [...expression.matchAll(/(\w+)(?:=~|!~|!=|=)["']/g)].map(([, label]) => label as string);
  const grouped = [...expression.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list]) =>
    (list as string).split(/, ?/),
  );
  const asked = [...expression.matchAll(/label_values\(\w+, (\w+)\)/g)].map(([, label]) => label as string);
  return [...selected, ...grouped, ...asked];
}

let lines: Line[];
beforeAll(async () => {
  const job = defineJob({ name: "work", payload: v.null(), run: () => {} });
  const { id } = await enqueue(db, job, null);
  const worker = createWorker({ connection: url, jobs: { job }, handlers: {} });
  await worker.start();
  await until(async () => (await jobRow(db, id))?.state === "completed");
  lines = await scrape(createMetrics({ worker, db }));
  await worker.stop();
});

const labelsOf = (metric: string) =>
  new Set(lines.filter(({ name }) => name === metric).flatMap(({ labels }) => Object.keys(labels)));

describe("each expression", () => {
  test.each(expressions.filter((expression) => expression !== "prometheus"))(
    "%s asks for what is served",
    (expression) => {
      const asked = metricsIn(expression);
      expect(asked).not.toEqual([]);
      const served = new Set(lines.map(({ name }) => name));
      expect(asked.filter((name) => !served.has(name))).toEqual([]);
      const labels = new Set(asked.flatMap((name) => [...labelsOf(name)]));
      expect(labelsIn(expression).filter((label) => !labels.has(label))).toEqual([]);
      for (const [open, close] of ["()", "{}", "[]"])
        expect(expression.split(open as string).length).toBe(expression.split(close as string).length);
    },
  );
});

test("outcomes are those that there are", () => {
  const asked = expressions.flatMap((expression) =>
    [...expression.matchAll(/outcome=~?["']([^"']+)/g)].flatMap(([, outcomes]) => (outcomes as string).split("|")),
  );
  const served = new Set(lines.flatMap(({ labels }) => labels["outcome"] ?? []));
  expect(asked.filter((outcome) => !served.has(outcome))).toEqual([]);
});

test("all that is served is asked for", () => {
  const asked = new Set(expressions.flatMap(metricsIn).map((name) => name.replace(/_(bucket|sum|count)$/, "")));
  const served = new Set(lines.map(({ name }) => name.replace(/_(bucket|sum|count)$/, "")));
  expect([...served].filter((name) => !asked.has(name))).toEqual([]);
});

test("a legend or a text names labels that its expression leaves", () => {
  const instance = ["instance"];
  const texts = [
    ...targets.map(({ expr, legendFormat = "" }) => [expr, legendFormat] as const),
    ...rules.map(({ expr, annotations }) => [expr, JSON.stringify(annotations)] as const),
  ];
  for (const [expression, text] of texts) {
    const named = [...text.matchAll(/\{\{ ?(?:\$labels\.)?(\w+) ?\}\}/g)].map(([, label]) => label as string);
    const left = /\bby \(/.test(expression)
      ? labelsIn(expression)
      : /\b(sum|max|min)\(/.test(expression)
        ? []
        : instance;
    expect(named.filter((label) => !left.includes(label))).toEqual([]);
  }
});

test("alerts have names of their own, a severity and a summary", () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { labels, annotations } of rules) {
    expect(labels.severity).toMatch(/^(critical|warning|info)$/);
    expect(annotations.summary).not.toBe("");
  }
});

test("panels have titles of their own, and lie on no other", () => {
  expect(new Set(dashboard.panels.map(({ title }) => title)).size).toBe(dashboard.panels.length);
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
});
