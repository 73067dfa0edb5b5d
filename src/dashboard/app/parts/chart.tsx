import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { clock, short } from "../format.js";
import { useTheme } from "../theme.js";
import { type Drawing, type Line, plotData, plotHeight, plotOptions } from "./plot.js";

interface ChartProps extends Drawing {
  readonly title: string;
  readonly note?: string;
  /** Seconds since 1970, one per value. */
  readonly at: readonly number[];
  /** What stands there while there is nothing. */
  readonly empty: string;
}

/** A chart with its legend, which tells the values under the pointer, else the latest. */
export function Chart({ title, note, at, empty, ...drawing }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const [theme] = useTheme();
  const labels = drawing.lines.map(({ label }) => label).join();
  const latest = useRef({ at, drawing });
  latest.current = { at, drawing };

  useEffect(() => {
    const element = place.current as HTMLDivElement;
    const { at: times, drawing: drawn } = latest.current;
    const made = new uPlot(plotOptions(drawn, element, setPointed), plotData(drawn, times), element);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: plotHeight }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [theme, labels, drawing.kind]);

  useEffect(() => {
    const { at: times, drawing: drawn } = latest.current;
    plot.current?.setData(plotData(drawn, times));
  }, [at, drawing.lines]);

  const shown = pointed !== null && pointed < at.length ? pointed : null;
  const isEmpty = drawing.lines.every(({ values }) => values.every((value) => !value));
  return (
    <section class="card chart" aria-label={title}>
      <header class="card-header">
        <h2>{title}</h2>
        <span class="chart-note">{shown === null ? note : timeOf(at, shown)}</span>
      </header>
      <ul class="legend">
        {drawing.lines.map((line) => (
          <li key={line.label}>
            <Swatch line={line} />
            {line.label}
            <b>{valueOf(line, shown, drawing.format)}</b>
          </li>
        ))}
      </ul>
      <div class="plot" ref={place} role="img" aria-label={`${title}: a chart of what the legend tells`} />
      {isEmpty && <p class="chart-empty">{empty}</p>}
    </section>
  );
}

const Swatch = ({ line }: { readonly line: Line }) => (
  <i class={`swatch ${line.dashed ? "dashed" : ""}`} style={{ color: `var(${line.colour})` }} />
);

/** The value at a place, or else the latest there is. */
function valueOf({ values }: Line, index: number | null, format: Drawing["format"]): string {
  const value = index === null ? values.findLast((each) => each !== null) : values[index];
  return value === null || value === undefined ? "–" : format(value);
}

function timeOf(at: readonly number[], index: number): string {
  const time = at[index];
  if (time === undefined) return "";
  const text = new Date(time * 1_000).toISOString();
  const [first = time, second = time] = at;
  return second - first < 60 ? clock(text) : short(text);
}
