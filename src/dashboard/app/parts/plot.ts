import uPlot from "uplot";
import { axisTime } from "../format.js";

/** One of the lines of a chart. */
export interface Line {
  readonly label: string;
  /** A colour's name in the style sheet, such as `--good`. */
  readonly colour: string;
  readonly dashed?: boolean;
  readonly values: readonly (number | null)[];
}

/** How a chart is drawn: `bars` stand upon each other, `lines` each for itself. */
export interface Drawing {
  readonly kind: "bars" | "lines" | "area";
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
}

/** Between two marks of the time axis, in seconds. */
const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400];

export const plotHeight = 190;

/** What uPlot is given. Of stacked bars, each is drawn up to the sum of those below it, the highest one first. */
export function plotData({ kind, lines }: Drawing, at: readonly number[]): uPlot.AlignedData {
  const values = lines.map((line) => line.values.map((value) => value));
  if (kind === "bars")
    for (const [i, above] of values.entries())
      for (const [step, value] of above.entries()) above[step] = (value ?? 0) + (values[i - 1]?.[step] ?? 0);
  return [[...at], ...values.toReversed()] as uPlot.AlignedData;
}

export function plotOptions(
  { kind, lines, format }: Drawing,
  place: HTMLElement,
  point: (index: number | null) => void,
): uPlot.Options {
  const colour = (name: string) => shownColour(place, name);
  const axis = {
    stroke: colour("--muted"),
    font: `11px ${getComputedStyle(place).fontFamily}`,
    ticks: { show: false },
  };
  const grid = { stroke: colour("--line"), width: 1 };
  const bars = uPlot.paths.bars?.({ size: [0.75, 40] });
  const smooth = uPlot.paths.linear?.();
  return {
    width: Math.max(place.clientWidth, 100),
    height: plotHeight,
    // To the right, half of the last label of the time axis has room.
    padding: [10, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false }, sync: { key: "soniq" } },
    hooks: { setCursor: [(plot) => point(plot.cursor.idx ?? null)] },
    scales: {
      x: { range: (plot, from, to) => (kind === "bars" ? roomForBars(plot, from, to) : [from, to]) },
      y: { range: (_, _least, max) => [0, Math.max(max * 1.1, Number.MIN_VALUE) || 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 70,
        size: 28,
        incrs: timeSteps,
        values: (_, marks, _axis, _space, step) => marks.map((at) => axisTime(at, step)),
      },
      { ...axis, grid, size: 62, space: 40, values: (_, marks) => marks.map(format) },
    ],
    series: [
      {},
      ...lines.toReversed().map((line): uPlot.Series => {
        const stroke = colour(line.colour);
        const paths = kind === "bars" ? bars : smooth;
        return {
          label: line.label,
          stroke,
          width: kind === "bars" ? 0 : 1.6,
          ...(paths && { paths }),
          ...(kind === "bars" && { fill: stroke }),
          ...(kind === "area" && { fill: colour(`${line.colour}-soft`) }),
          ...(line.dashed && { dash: [5, 4] }),
          points: { show: false },
          spanGaps: false,
        };
      }),
    ],
  };
}

/** A canvas knows no style sheet: the colour as it is shown now. */
function shownColour(place: HTMLElement, name: string): string {
  place.style.color = `var(${name})`;
  return getComputedStyle(place).color;
}

/** Half a step on both sides, so that the outer bars are whole. */
function roomForBars(plot: uPlot, from: number, to: number): uPlot.Range.MinMax {
  const [first, second] = plot.data[0];
  const half = first !== undefined && second !== undefined ? (second - first) / 2 : 30;
  return [from - half, to + half];
}
