import uPlot from "uplot";
import { formatAxisTime } from "../format.js";

/** One data series of a chart. */
export interface Line {
  readonly label: string;
  /** The name of a colour in the style sheet, such as `--good`. */
  readonly colour: string;
  readonly dashed?: boolean;
  readonly values: readonly (number | null)[];
}

/** The data of a chart, and how it is drawn: `bars` are stacked, `lines` and `area` are not. */
export interface ChartSpec {
  readonly kind: "bars" | "lines" | "area";
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
}

/** The possible distances between two ticks of the time axis. */
const timeStepsSeconds = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400,
];

export const plotHeightPx = 190;

/**
 * Converts a chart's data to the format of uPlot. uPlot does not stack bars, so each bar gets the height of the sum up to it,
 * and the highest is drawn first.
 */
export function toPlotData({ kind, lines }: ChartSpec, atSeconds: readonly number[]): uPlot.AlignedData {
  const values = lines.map((line) => line.values.map((value) => value));
  if (kind === "bars")
    for (const [i, sums] of values.entries())
      for (const [step, value] of sums.entries()) sums[step] = (value ?? 0) + (values[i - 1]?.[step] ?? 0);
  return [[...atSeconds], ...values.toReversed()] as uPlot.AlignedData;
}

export function toPlotOptions(
  spec: ChartSpec,
  container: HTMLElement,
  onHover: (index: number | null) => void,
): uPlot.Options {
  return {
    width: Math.max(container.clientWidth, 100),
    height: plotHeightPx,
    // On the right, there is room for half of the time axis's last label.
    padding: [10, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false }, sync: { key: "soniq" } },
    hooks: { setCursor: [(plot) => onHover(plot.cursor.idx ?? null)] },
    scales: {
      x: { range: (plot, from, to) => (spec.kind === "bars" ? padRange(plot, from, to) : [from, to]) },
      y: { range: (_, _min, max) => [0, Math.max(max * 1.1, Number.MIN_VALUE) || 1] },
    },
    axes: toAxes(spec, container),
    series: [{}, ...toSeries(spec, container)],
  };
}

function toAxes({ format }: ChartSpec, container: HTMLElement): uPlot.Axis[] {
  const axis = {
    stroke: resolveColour(container, "--muted"),
    font: `11px ${getComputedStyle(container).fontFamily}`,
    ticks: { show: false },
  };
  const grid = { stroke: resolveColour(container, "--line"), width: 1 };
  return [
    {
      ...axis,
      grid: { show: false },
      space: 70,
      size: 28,
      incrs: timeStepsSeconds,
      values: (_, ticks, _axis, _space, stepSeconds) => ticks.map((tick) => formatAxisTime(tick, stepSeconds)),
    },
    { ...axis, grid, size: 62, space: 40, values: (_, ticks) => ticks.map(format) },
  ];
}

function toSeries({ kind, lines }: ChartSpec, container: HTMLElement): uPlot.Series[] {
  const paths = kind === "bars" ? uPlot.paths.bars?.({ size: [0.75, 40] }) : uPlot.paths.linear?.();
  return lines.toReversed().map((line): uPlot.Series => {
    const stroke = resolveColour(container, line.colour);
    return {
      label: line.label,
      stroke,
      width: kind === "bars" ? 0 : 1.6,
      ...(paths && { paths }),
      ...(kind === "bars" && { fill: stroke }),
      ...(kind === "area" && { fill: resolveColour(container, `${line.colour}-soft`) }),
      ...(line.dashed && { dash: [5, 4] }),
      points: { show: false },
      spanGaps: false,
    };
  });
}

/** Resolves a colour variable of the current theme. A canvas cannot use variables of a style sheet. */
function resolveColour(container: HTMLElement, name: string): string {
  container.style.color = `var(${name})`;
  return getComputedStyle(container).color;
}

/** Widens the time range by half a step on both sides, so that the outer bars are not cut off. */
function padRange(plot: uPlot, from: number, to: number): uPlot.Range.MinMax {
  const [first, second] = plot.data[0];
  const half = first !== undefined && second !== undefined ? (second - first) / 2 : 30;
  return [from - half, to + half];
}
