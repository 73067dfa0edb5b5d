import * as echarts from "echarts";
import type { Chart } from "./findings.ts";

const size = { width: 720, rowHeight: 34, margin: 70, labels: 200, values: 90 };
const colours = { ours: "#4f46e5", theirs: "#94a3b8", text: "#64748b" };

/** Renders a bar chart as SVG, in colours that are readable on light and dark backgrounds. */
export function svgOf({ title, unit, bars }: Chart): string {
  const rows = bars.toReversed();
  const chart = echarts.init(null, null, {
    renderer: "svg",
    ssr: true,
    width: size.width,
    height: size.margin + size.rowHeight * bars.length,
  });
  chart.setOption({
    animation: false,
    title: { text: `${title} (${unit})`, textStyle: { color: colours.text, fontSize: 14 } },
    grid: { left: size.labels, right: size.values, top: 40, bottom: 30 },
    xAxis: { type: "value", axisLabel: { color: colours.text }, splitLine: { lineStyle: { opacity: 0.25 } } },
    yAxis: { type: "category", data: rows.map(({ label }) => label), axisLabel: { color: colours.text } },
    series: [
      {
        type: "bar",
        data: rows.map(({ label, value }) => ({
          value: value.median,
          itemStyle: { color: label.startsWith("soniq") ? colours.ours : colours.theirs },
        })),
        label: {
          show: true,
          position: "right",
          color: colours.text,
          formatter: ({ value }: { value: number }) =>
            value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 2 : 0 }),
        },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
