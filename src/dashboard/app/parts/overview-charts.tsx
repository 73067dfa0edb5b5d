import { useMemo } from "preact/hooks";
import type { StatsView } from "../../wire.js";
import { capped, rate, seconds } from "../format.js";
import { type Moment, useLive } from "../live.js";
import { Chart } from "./chart.js";
import type { Line } from "./plot.js";

interface OverviewChartsProps {
  readonly stats: StatsView;
  readonly range: string;
}

export function OverviewCharts({ stats, range }: OverviewChartsProps) {
  const { moments } = useLive();
  const outcomes = useMemo(() => outcomeLines(stats), [stats]);
  const runs = useMemo(() => percentileLines(stats.run), [stats]);
  const waits = useMemo(() => percentileLines(stats.wait), [stats]);
  const depth = useMemo(() => depthLines(moments), [moments]);
  const depthAt = useMemo(() => moments.map(({ at }) => at), [moments]);
  const last = `last ${range}`;
  return (
    <div class="charts">
      <Chart
        title="Throughput"
        note={`attempts a minute, ${last}`}
        kind="bars"
        at={stats.at}
        lines={outcomes}
        format={rate}
        empty="Nothing ran in this time."
      />
      <Chart
        title="Queue depth"
        note="jobs, since this page was opened"
        kind="area"
        at={depthAt}
        lines={depth}
        format={capped}
        empty="Nothing waits, and nothing runs."
      />
      <Chart
        title="Run time"
        note={last}
        kind="lines"
        at={stats.at}
        lines={runs}
        format={seconds}
        empty="Nothing ran in this time."
      />
      <Chart
        title="Wait"
        note={`from due to started, ${last}`}
        kind="lines"
        at={stats.at}
        lines={waits}
        format={seconds}
        empty="Nothing ran in this time."
      />
    </div>
  );
}

function outcomeLines({ stepSeconds, completed, retried, dead, cancelled }: StatsView): Line[] {
  const perMinute = (counts: readonly number[]) => counts.map((n) => (n * 60) / stepSeconds);
  return [
    { label: "completed", colour: "--bar-good", values: perMinute(completed) },
    { label: "retried", colour: "--bar-warn", values: perMinute(retried) },
    { label: "dead", colour: "--bar-bad", values: perMinute(dead) },
    { label: "cancelled", colour: "--bar-idle", values: perMinute(cancelled) },
  ];
}

function percentileLines({ p50, p95, p99 }: StatsView["run"]): Line[] {
  return [
    { label: "p50", colour: "--line-1", values: p50 },
    { label: "p95", colour: "--line-2", values: p95 },
    { label: "p99", colour: "--line-3", dashed: true, values: p99 },
  ];
}

function depthLines(moments: readonly Moment[]): Line[] {
  return [
    { label: "due", colour: "--accent", values: moments.map(({ due }) => due) },
    { label: "active", colour: "--good", values: moments.map(({ active }) => active) },
  ];
}
