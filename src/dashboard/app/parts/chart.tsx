import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { formatClockTime, formatShortDateTime } from "../format.js";
import { useTheme } from "../theme.js";
import { type ChartSpec, type Line, plotHeightPx, toPlotData, toPlotOptions } from "./plot.js";

interface ChartProps extends ChartSpec {
  readonly title: string;
  readonly note?: string;
  /** Seconds since 1970, one per value. */
  readonly atSeconds: readonly number[];
  /** The text that is shown while there are no values. */
  readonly empty: string;
}

/** A chart with a legend. The legend shows the values under the pointer, otherwise the latest values. */
export function Chart({ title, note, atSeconds, empty, ...spec }: ChartProps) {
  const container = useRef<HTMLDivElement>(null);
  const hoveredIndex = usePlot(container, spec, atSeconds);
  const index = hoveredIndex !== null && hoveredIndex < atSeconds.length ? hoveredIndex : null;
  const isEmpty = spec.lines.every(({ values }) => values.every((value) => !value));
  return (
    <section class="card chart" aria-label={title}>
      <header class="card-header">
        <h2>{title}</h2>
        <span class="chart-note">{index === null ? note : formatTimeAt(atSeconds, index)}</span>
      </header>
      <ul class="legend">
        {spec.lines.map((line) => (
          <li key={line.label}>
            <Swatch line={line} />
            {line.label}
            <b>{formatValueAt(line, index, spec.format)}</b>
          </li>
        ))}
      </ul>
      <div class="plot" ref={container} role="img" aria-label={`${title} chart. The legend lists its values.`} />
      {isEmpty && <p class="chart-empty">{empty}</p>}
    </section>
  );
}

/** Draws a chart into the container, and redraws it when its data or the theme changes. @returns the index under the pointer, or null */
function usePlot(
  container: RefObject<HTMLDivElement | null>,
  spec: ChartSpec,
  atSeconds: readonly number[],
): number | null {
  const plot = useRef<uPlot | null>(null);
  const [hoveredIndex, setHoveredIndex] = useState<number | null>(null);
  const [theme] = useTheme();
  const labels = spec.lines.map(({ label }) => label).join();
  const latest = useRef({ spec, atSeconds });
  latest.current = { spec, atSeconds };

  useEffect(() => {
    const element = container.current as HTMLDivElement;
    const { spec: latestSpec, atSeconds: latestAt } = latest.current;
    const options = toPlotOptions(latestSpec, element, setHoveredIndex);
    const created = new uPlot(options, toPlotData(latestSpec, latestAt), element);
    plot.current = created;
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height: plotHeightPx }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
    };
  }, [theme, labels, spec.kind]);

  useEffect(() => {
    plot.current?.setData(toPlotData(latest.current.spec, latest.current.atSeconds));
  }, [atSeconds, spec.lines]);

  return hoveredIndex;
}

const Swatch = ({ line }: { readonly line: Line }) => (
  <i class={`swatch ${line.dashed ? "dashed" : ""}`} style={{ color: `var(${line.colour})` }} />
);

/** Formats the value at an index, or the latest value if the index is null. */
function formatValueAt({ values }: Line, index: number | null, format: ChartSpec["format"]): string {
  const value = index === null ? values.findLast((each) => each !== null) : values[index];
  return value === null || value === undefined ? "–" : format(value);
}

function formatTimeAt(atSeconds: readonly number[], index: number): string {
  const time = atSeconds[index];
  if (time === undefined) return "";
  const text = new Date(time * 1_000).toISOString();
  const [first = time, second = time] = atSeconds;
  return second - first < 60 ? formatClockTime(text) : formatShortDateTime(text);
}
