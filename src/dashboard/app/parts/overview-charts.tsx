import { useMemo } from "preact/hooks";
import type { StatsView } from "../../wire.js";
import { formatCount, formatRate, formatSeconds } from "../format.js";
import { type Sample, useLive } from "../live.js";
import { Chart } from "./chart.js";
import type { Line } from "./plot.js";

const noAttempts = "No attempts in this range.";

interface OverviewChartsProps {
  readonly stats: StatsView;
  readonly range: string;
}

export function OverviewCharts({ stats, range }: OverviewChartsProps) {
  const { at, run, wait } = stats;
  return (
    <div class="charts">
      <ThroughputChart stats={stats} range={range} />
      <DepthChart />
      <PercentileChart title="Run time" note={`last ${range}`} atSeconds={at} percentiles={run} />
      <PercentileChart title="Wait" note={`from due to started, last ${range}`} atSeconds={at} percentiles={wait} />
    </div>
  );
}

function ThroughputChart({ stats, range }: OverviewChartsProps) {
  const lines = useMemo(() => toOutcomeLines(stats), [stats]);
  return (
    <Chart
      title="Throughput"
      note={`attempts per minute, last ${range}`}
      kind="bars"
      atSeconds={stats.at}
      lines={lines}
      format={formatRate}
      empty={noAttempts}
    />
  );
}

function DepthChart() {
  const { samples } = useLive();
  const lines = useMemo(() => toDepthLines(samples), [samples]);
  const atSeconds = useMemo(() => samples.map((sample) => sample.atSeconds), [samples]);
  return (
    <Chart
      title="Queue depth"
      note="jobs, since this page was opened"
      kind="area"
      atSeconds={atSeconds}
      lines={lines}
      format={formatCount}
      empty="No jobs are due or active."
    />
  );
}

interface PercentileChartProps {
  readonly title: string;
  readonly note: string;
  readonly atSeconds: readonly number[];
  readonly percentiles: StatsView["run"];
}

function PercentileChart({ title, note, atSeconds, percentiles }: PercentileChartProps) {
  const lines = useMemo(() => toPercentileLines(percentiles), [percentiles]);
  return (
    <Chart
      title={title}
      note={note}
      kind="lines"
      atSeconds={atSeconds}
      lines={lines}
      format={formatSeconds}
      empty={noAttempts}
    />
  );
}

function toOutcomeLines({ stepSeconds, completed, retried, dead, cancelled }: StatsView): Line[] {
  const perMinute = (counts: readonly number[]) => counts.map((n) => (n * 60) / stepSeconds);
  return [
    { label: "completed", colour: "--bar-good", values: perMinute(completed) },
    { label: "retried", colour: "--bar-warn", values: perMinute(retried) },
    { label: "dead", colour: "--bar-bad", values: perMinute(dead) },
    { label: "cancelled", colour: "--bar-idle", values: perMinute(cancelled) },
  ];
}

function toPercentileLines({ p50, p95, p99 }: StatsView["run"]): Line[] {
  return [
    { label: "p50", colour: "--line-1", values: p50 },
    { label: "p95", colour: "--line-2", values: p95 },
    { label: "p99", colour: "--line-3", dashed: true, values: p99 },
  ];
}

function toDepthLines(samples: readonly Sample[]): Line[] {
  return [
    { label: "due", colour: "--accent", values: samples.map(({ due }) => due) },
    { label: "active", colour: "--good", values: samples.map(({ active }) => active) },
  ];
}
